#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/spec.h"
#include "kv/head_rows.h"
#include "snapkv/cache_config.h"

namespace snapkv::attention::cpu {

/// Keys and values are worked on in tiles of this many rows, anchored at each view's first row.
inline constexpr std::uint32_t kTile = 64;
/// Query rows (tokens times heads of a group) that share a tile.
inline constexpr std::uint32_t kQueryRows = 64;

/// Elements of a row in scratch: rounded up so that vectors of any instruction set fit.
[[nodiscard]] constexpr std::size_t padded(std::size_t elements) {
    return (elements + 15) / 16 * 16;
}

/// One thread's scratch for tiles, in floats.
[[nodiscard]] constexpr std::size_t tile_floats(const AttentionSpec & spec) {
    return std::size_t{kQueryRows} * kTile + (padded(spec.key_size) + padded(spec.value_size)) * kTile +
           padded(spec.key_size);
}

/// The running softmax of a block of query rows over the rows seen so far. Each row's sum of exp(x - maximum) and its
/// weighted sum of values; row r of `values` begins at r * value_stride.
struct Partial {
    float * maximum = nullptr;
    float * sum = nullptr;
    float * values = nullptr;
    std::size_t value_stride = 0;
};

/// A tile of K/V and the query rows that look at it. Row r of `queries` ([rows][padded key size], already scaled) sees
/// the tile's rows [begin[r], end[r]).
struct Tile {
    const AttentionSpec * spec = nullptr;
    KvType type = KvType::F16;
    const std::byte * keys = nullptr;
    const std::byte * values = nullptr;
    std::uint32_t rows = 0;  ///< at most kTile
    const float * queries = nullptr;
    std::uint32_t query_rows = 0;  ///< at most kQueryRows
    const std::uint32_t * begin = nullptr;
    const std::uint32_t * end = nullptr;
};

/// Takes the tile into the partial result. `scratch` holds tile_floats() floats aligned to 64 bytes. For many query
/// rows: the tile is widened and keys transposed once, then two small matrix products.
void attend_tile(const Tile & tile, const Partial & partial, float * scratch);

/// The same for few query rows: one dot product a row, keys and values read once and never copied.
void attend_rows(const Tile & tile, const Partial & partial, float * scratch);

/// The logits of all query rows against one tile, [query row][kTile], rows outside [begin, end) minus infinity: what
/// the vote is made of. Float32 from the stored values; `tile.values` is not read. Scratch as above.
void tile_logits(const Tile & tile, float * logits, float * scratch);

/// The greatest of `count` logits; minus infinity for none.
float maximum_of(const float * logits, std::size_t count);

// In the next two `count` is a multiple of 16; logits of minus infinity count nothing.

/// Sum of exp(x - maximum) over `count` logits.
float exp_sum(const float * logits, std::size_t count, float maximum);

/// columns[i] += exp(logits[i] - maximum) * factor
void add_probabilities(const float * logits, std::size_t count, float maximum, float factor, float * columns);

}  // namespace snapkv::attention::cpu
