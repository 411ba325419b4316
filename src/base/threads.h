#pragma once

#include <cstdint>

namespace snapkv {

/// Processors this process may really use: the affinity mask, cut by the control group's quota. At least 1.
std::uint32_t usable_processors();

}  // namespace snapkv
