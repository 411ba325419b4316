#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/cache_config.h"

namespace snapkv::select {

/// Reduces per-query-head votes of one KV head's group to one vote. `heads` holds group x columns floats, row by row;
/// `out` columns floats. Mean divides the sum by the group's size; sums run in head order, in float32.
void reduce_group(std::span<const float> heads, std::size_t columns, GroupReduce how, std::span<float> out);

/// 1-D pooling, stride 1, padding kernel / 2, odd kernel. Max pads with minus infinity (positions outside never win);
/// Avg divides by the kernel at the edges too, as the original does. `out` has the size of `scores` and may not alias.
void pool(std::span<const float> scores, std::uint32_t kernel, Pooling how, std::span<float> out);

/// The `count` best of positions [first, scores.size()), ties to the earlier position, in ascending order. NaN counts
/// as lowest; the two Max above ignore it, and give minus infinity where there is nothing else.
std::vector<std::uint32_t> top_positions(std::span<const float> scores, std::uint32_t first, std::uint32_t count);

}  // namespace snapkv::select
