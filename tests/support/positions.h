#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "snapkv/position.h"

/// Positions as the numbers that tests write down and count with.
namespace snapkv::test {

inline std::vector<Position> positions(const std::vector<std::uint32_t> & indices) {
    std::vector<Position> positions;
    std::transform(indices.begin(), indices.end(), std::back_inserter(positions),
                   [](std::uint32_t index) { return Position{index}; });
    return positions;
}

inline std::vector<std::uint32_t> indices(const std::vector<Position> & positions) {
    std::vector<std::uint32_t> indices;
    std::transform(positions.begin(), positions.end(), std::back_inserter(indices), index_of);
    return indices;
}

}  // namespace snapkv::test
