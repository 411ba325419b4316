#pragma once

#include <cstddef>
#include <functional>

namespace snapkv {

/// Calls `work` on a thread with a stack of `bytes` and waits for it. For third-party code that recurses as deep as
/// text from outside tells it to. What `work` throws is thrown here; Error(Machine) where no thread can be had.
void on_deep_stack(std::size_t bytes, const std::function<void()> & work);

}  // namespace snapkv
