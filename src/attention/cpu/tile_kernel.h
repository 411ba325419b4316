#pragma once

#include <cstddef>

#include "attention/cpu/tile.h"

namespace snapkv::attention::cpu {

/// The logits of all query rows against one tile, [query row][kTile], rows outside [begin, end) minus infinity: what
/// the vote is made of. Float32 from the stored values; `tile.values` is not read. `scratch` holds tile_floats()
/// floats.
void tile_logits(const Tile & tile, float * logits, float * scratch);

/// The greatest of `count` logits; minus infinity for none.
float maximum_of(const float * logits, std::size_t count);

// In the next two `count` is a multiple of 16; logits of minus infinity count nothing.

/// Sum of exp(x - maximum) over `count` logits.
float exp_sum(const float * logits, std::size_t count, float maximum);

/// columns[i] += exp(logits[i] - maximum) * factor
void add_probabilities(const float * logits, std::size_t count, float maximum, float factor, float * columns);

}  // namespace snapkv::attention::cpu
