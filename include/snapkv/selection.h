#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"

namespace snapkv {

/// How scores of a KV head's query heads become kept positions; the fields are those of CacheConfig.
struct Selection {
    std::uint32_t count = 0;   ///< positions to select
    std::uint32_t kernel = 7;  ///< odd
    Pooling pooling = Pooling::Max;
    GroupReduce group = GroupReduce::Mean;
};

/// What a prefill selects of its prefix (arXiv 2404.14469, section 4): `scores` holds for each of `heads` query heads
/// one score a position, as rows of equal length; they are reduced over the heads and pooled, and the best `count`
/// positions come back in ascending order (all, where there are no more), ties going to the earlier one. Pure; any
/// thread. Throws Error(Usage) for an even kernel, no heads, or rows that differ in length.
[[nodiscard]] SNAPKV_API std::vector<std::uint32_t> select_positions(std::span<const float> scores, std::size_t heads,
                                                                     const Selection & selection);

}  // namespace snapkv
