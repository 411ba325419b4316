#pragma once

#include <cstdint>

#include "attention/portable/plan.h"

namespace snapkv::attention::portable {

// The host's part of the portable port: what its custom nodes do. Thread `thread` of `threads` does its share.

/// Fills the float16 mask [query][block.rows]: zero where the query sees the row, else minus infinity.
void fill_mask(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread, int threads);

/// Copies the block's keys (or values) one after the other to [block.rows][size] floats.
void gather_keys(const kv::LayerShape & shape, const HeadBlock & block, float * to, int thread, int threads);
void gather_values(const kv::LayerShape & shape, const HeadBlock & block, float * to, int thread, int threads);

/// Where a node's output [query][heads][value_size] goes in [chunk row][all heads][value_size].
struct Place {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    std::uint32_t head = 0;
    std::uint32_t heads = 0;
};
void place_rows(const AttentionSpec & spec, const Place & place, const float * from, float * out, int thread,
                int threads);

/// This thread's share of `count` zeros.
void fill_zeros(float * to, std::size_t count, int thread, int threads);

}  // namespace snapkv::attention::portable
