#pragma once

#include <cstdint>

#include "snapkv/available_memory.h"

namespace snapkv {

/// Resident memory of this process in bytes as the system counts it; 0 where it does not say.
struct Resident {
    std::uint64_t anonymous = 0;  ///< RssAnon
    std::uint64_t peak = 0;       ///< VmHWM: the most that was resident, file pages included
};
Resident resident_memory();

/// Bytes that this process has allocated with malloc() and not freed.
std::uint64_t heap_memory();

/// Bytes that can be had without swapping: MemAvailable, or what the control groups leave where that is less.
std::uint64_t available_physical_memory();

/// Bytes that can be mapped or allocated before the limit of addresses (ulimit -v) is reached; the greatest number
/// where there is none.
std::uint64_t available_address_space();

}  // namespace snapkv
