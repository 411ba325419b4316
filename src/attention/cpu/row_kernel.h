#pragma once

#include <cstddef>

#include "attention/cpu/tile.h"

namespace snapkv::attention::cpu {

/// Takes the tile into the partial result. `scratch` holds tile_floats() floats aligned to 64 bytes. For few query
/// rows: one dot product a row, keys and values read once and never copied.
void attend_rows(const Tile & tile, const Partial & partial, float * scratch);

}  // namespace snapkv::attention::cpu
