#pragma once

#include <cstddef>

namespace snapkv {

/// Throws Error(Machine) unless `bytes` can be allocated now, and leaves the allocator with memory for many small
/// pieces besides. Called before a library that aborts the process where malloc() fails; what it asks for afterwards
/// on the same thread is then there, unless another thread is faster. Freeing what was asked raises glibc's thresholds
/// for mapping and trimming to that size, up to its own bound of 32 MiB, for the whole process.
void require_memory(std::size_t bytes);

}  // namespace snapkv
