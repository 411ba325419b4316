#pragma once

#include <cstdint>

namespace snapkv::cli {

/// Lets the count of peak_resident() begin anew from what is resident now; where the system does not allow that, it
/// goes on from the process's beginning.
void restart_peak_resident();

/// The most bytes that were resident, mapped files included; 0 where the system does not say.
[[nodiscard]] std::uint64_t peak_resident();

}  // namespace snapkv::cli
