#pragma once

#include <cstdint>

#include "attention/portable/plan.h"

namespace snapkv::attention::portable {

// The host's part of the portable port: what its custom nodes do. Thread `thread` of `threads` does its share.

/// Fills the float16 mask [query][block.rows]: minus infinity where the query does not see the row, else zero.
void fill_mask(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread, int threads);

/// The same, but where the query sees the row, how far it is ahead of the query: what ALiBi multiplies with a head's
/// slope. Float16 holds whole numbers up to 2048; beyond, distances are rounded to 11 bits.
void fill_distances(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread, int threads);

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
