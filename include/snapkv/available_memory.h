#pragma once

#include <cstdint>

#include "snapkv/export.h"

namespace snapkv {

/// Bytes that can be had without swapping: MemAvailable, or what the control groups or the limit of addresses
/// (ulimit -v) leave where that is less.
SNAPKV_API std::uint64_t available_memory();

}  // namespace snapkv
