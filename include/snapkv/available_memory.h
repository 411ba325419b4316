#pragma once

#include <cstdint>

#include "snapkv/export.h"

namespace snapkv {

/// Bytes that can be allocated and used without swapping: MemAvailable, or what the control groups or the limit of
/// addresses (ulimit -v) leave if that is less.
[[nodiscard]] SNAPKV_API std::uint64_t available_memory();

}  // namespace snapkv
