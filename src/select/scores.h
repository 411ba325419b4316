#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/position.h"

namespace snapkv::select {

/// Reduces per-query-head votes of one KV head's group to one vote. `heads` holds group x columns floats, row by row;
/// `out` columns floats. Mean, and Layer for the heads of a whole layer, divide the sum by the number of heads; sums
/// run in head order, in float32. Max ignores NaN, and gives minus infinity where there is nothing else.
void reduce_group(std::span<const float> heads, std::size_t columns, GroupReduce how, std::span<float> out);

/// Scores of positions, and what settles between equal ones: a second number for each, or nothing.
struct RankedScores {
    std::vector<float> scores;
    std::vector<float> ties{};
};

/// A number that is smaller the better the score at a place, and then what settles ties; NaN comes last.
[[nodiscard]] std::uint64_t rank_of(const RankedScores & of, std::size_t at);

/// The `count` best of positions [first, scores.size()), ties to the earlier position, in ascending order. NaN counts
/// as lowest.
std::vector<Position> top_positions(const RankedScores & of, std::uint32_t first, std::uint32_t count);

}  // namespace snapkv::select
