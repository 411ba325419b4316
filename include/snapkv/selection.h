#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/position.h"

namespace snapkv {

/// How the scores of a KV head's query heads become kept positions; the fields are CacheConfig's.
struct Selection {
    std::uint32_t count = 0;  ///< positions to select
    Cluster cluster{};        ///< one that does not read the text
    GroupReduce group = GroupReduce::Mean;
};

/// The selection that a prefill makes in its prefix (arXiv 2404.14469, section 4). `scores` holds one row per query
/// head, `heads` rows of equal length with one score per position, none negative. They are reduced over the heads and
/// clustered, and the best `count` positions (all, if there are no more) are returned in ascending order, ties going to
/// the earlier one. Pure; any thread. Throws Error(Usage) for a cluster that reads the text, no heads, or rows that
/// differ in length.
[[nodiscard]] SNAPKV_API std::vector<Position> select_positions(std::span<const float> scores, std::size_t heads,
                                                                const Selection & selection);

}  // namespace snapkv
