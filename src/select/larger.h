#pragma once

#include <limits>

namespace snapkv::select {

inline constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// The larger one; `b` never wins as a NaN, so a chain that starts at minus infinity ignores NaN altogether.
[[nodiscard]] inline float larger(float a, float b) {
    return b > a ? b : a;
}

}  // namespace snapkv::select
