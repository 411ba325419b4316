#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "select/scores.h"
#include "snapkv/cache_config.h"

namespace snapkv::select {

/// How many voted rows each KV head of a layer gets of `rows` times the number of heads. `scores` [KV head][position];
/// positions before `first` do not compete. Even: `rows` each. Heads: four fifths of a head's rows go by how many of
/// its positions are among the best of all heads, ties to the earlier head, then position (after what settles them); a
/// fifth is even (Ada-KV, arXiv 2407.11550, with a safeguard of 0.2). Fractions are rounded so that the sum is exact,
/// the largest remainders up. No head gets more than it has positions.
[[nodiscard]] std::vector<std::uint32_t> allocate_rows(Allocation how, std::span<const RankedScores> scores,
                                                       std::uint32_t first, std::uint32_t rows);

}  // namespace snapkv::select
