#pragma once

#include <array>
#include <cstdint>

namespace snapkv::synthetic {

inline constexpr std::uint32_t kShiftPairs = 16;

/// Radians per position. The sum of cos(f d) over all frequencies f is kShiftPairs at distance d = 0 and at most
/// kShiftPairs - kShiftGap at every other up to kShiftReach: a head that scores so attends to one distance alone.
[[nodiscard]] std::array<double, kShiftPairs> shift_frequencies();

inline constexpr std::uint32_t kShiftReach = 1U << 20U;
inline constexpr double kShiftGap = 4.65;

}  // namespace snapkv::synthetic
