#include "synthetic/shift_frequencies.h"

#include "synthetic/random_blocks.h"

namespace snapkv::synthetic {

std::array<double, kShiftPairs> shift_frequencies() {
    // Drawn evenly from this range by the best seed of the first 100,000. Higher frequencies would tell neighbours
    // apart no better, and angles of large positions are rounded in proportion to them.
    constexpr std::uint64_t seed = 21880;
    constexpr double lowest = 0.2;
    constexpr double highest = 2.0;
    Random random(seed);
    std::array<double, kShiftPairs> frequencies{};
    for (double & frequency : frequencies) {
        frequency = lowest + (highest - lowest) * static_cast<double>(random.bits() >> 11U) * 0x1p-53;
    }
    return frequencies;
}

}  // namespace snapkv::synthetic
