#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/position.h"

namespace snapkv::select {

/// Reduces per-query-head votes of one KV head's group to one vote. `heads` holds group x columns floats, row by row;
/// `out` columns floats. Mean divides the sum by the group's size; sums run in head order, in float32. Max ignores NaN,
/// and gives minus infinity where there is nothing else.
void reduce_group(std::span<const float> heads, std::size_t columns, GroupReduce how, std::span<float> out);

/// The `count` best of positions [first, scores.size()), ties to the earlier position, in ascending order. NaN counts
/// as lowest.
std::vector<Position> top_positions(std::span<const float> scores, std::uint32_t first, std::uint32_t count);

}  // namespace snapkv::select
