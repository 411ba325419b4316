#pragma once

#include <cstdint>

namespace snapkv {

/// Processors this process can really use: cores in its affinity mask, two hardware threads of one core counted once
/// (they share the units that products and attention keep busy), cut by the control groups' quotas. At least 1.
std::uint32_t usable_cores();

}  // namespace snapkv
