#pragma once

#include <limits>

namespace snapkv::eval::test {

/// What a chart may be given and cannot draw.
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace snapkv::eval::test
