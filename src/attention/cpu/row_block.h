#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cpu/query_block.h"
#include "attention/cpu/tile_steps.h"
#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// Bytes of scratch for a block of `rows` query rows.
[[nodiscard]] std::size_t row_block_bytes(const TileSteps & steps, const LayerUnit & unit, std::uint32_t rows);

/// Attention of one block of query rows over all views of its span; they share each packed tile of keys and values, so
/// the more they are, the less the packing costs. Tiles are anchored at each view's first row, and a query row's result
/// depends on nothing but the tiles it sees: the same bits wherever the row lies in its block and its chunk. `scratch`
/// holds row_block_bytes() from a multiple of 64 bytes on. Ends early, with unfinished output, when the unit is
/// stopped: asked once a tile.
void attend_block(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
                  const float * q, float * out, std::byte * scratch);

}  // namespace snapkv::attention::cpu
