// How far the wanted distance of a shift head stands above all others, computed afresh.
#include "synthetic/shift_frequencies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace snapkv::test {
namespace {

using synthetic::kShiftPairs;

TEST(ShiftFrequencies, OneDistanceStandsAboveAllOthers) {
    double highest = -std::numeric_limits<double>::infinity();
    for (std::uint32_t distance = 1; distance <= synthetic::kShiftReach; ++distance) {
        double sum = 0;
        for (const double frequency : synthetic::shift_frequencies()) {
            // As the file states it: a factor in float32 that divides the position.
            sum += std::cos(distance / static_cast<double>(static_cast<float>(1 / frequency)));
        }
        highest = std::max(highest, sum);
    }
    EXPECT_GT(kShiftPairs - highest, synthetic::kShiftGap);
    EXPECT_LT(kShiftPairs - highest, synthetic::kShiftGap + 0.1) << "the constant understates";
}

/// ggml's angle in float32 at any position is off by little: half a unit in the last place of the largest.
TEST(ShiftFrequencies, AnglesOfLargePositionsAreSharp) {
    for (const double frequency : synthetic::shift_frequencies()) {
        const auto factor = static_cast<float>(1 / frequency);
        double worst = 0;
        for (std::uint32_t position = 370'000; position < 380'000; ++position) {
            const float angle = static_cast<float>(position) / factor;
            worst = std::max(worst, std::abs(static_cast<double>(angle) - position / static_cast<double>(factor)));
        }
        EXPECT_LE(worst, 1.0 / 32) << frequency;
    }
}

}  // namespace
}  // namespace snapkv::test
