#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "select/scores.h"
#include "snapkv/cache_config.h"

namespace snapkv::select {

/// By Allocation::Heads and Entropy a head's share that does not depend on the others is 1 / kEvenPart of an even one.
inline constexpr std::uint32_t kEvenPart = 5;

/// How many voted rows each KV head of a layer gets of `rows` times the number of heads. `scores` [KV head][position];
/// positions before `first` do not compete. `rows` each, but by Allocation::Heads: four fifths of a head's rows go by
/// how many of its positions are among the best of all heads, ties to the earlier head, then position (after what
/// settles them); a fifth is even (Ada-KV, arXiv 2407.11550, with a safeguard of 0.2). Fractions are rounded so that
/// the sum is exact, the largest remainders up. No head gets more than it has positions.
[[nodiscard]] std::vector<std::uint32_t> allocate_rows(Allocation how, std::span<const RankedScores> scores,
                                                       std::uint32_t first, std::uint32_t rows);

/// How many voted rows a KV head of each of `layers` layers gets of `rows` times their number, from the first layer on:
/// PyramidKV's ramp (arXiv 2406.02069) from 2 rows - rows / 20 down to rows / 20 in equal steps, or where the first
/// layer has no more than `most` positions, from these down to 2 rows - most. Fractions are rounded so that the sum is
/// exact, the largest remainders up, of equal ones the earlier layer's.
[[nodiscard]] std::vector<std::uint32_t> pyramid_rows(std::uint32_t rows, std::uint32_t most, std::uint32_t layers);

}  // namespace snapkv::select
