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
    KvTypes type{};
    const std::byte * keys = nullptr;
    const std::byte * values = nullptr;
    std::size_t value_stride = 0;  ///< bytes from row to row
    std::uint32_t rows = 0;        ///< at most kTile
    const float * queries = nullptr;
    std::uint32_t query_rows = 0;  ///< at most kQueryRows
    const std::uint32_t * begin = nullptr;
    const std::uint32_t * end = nullptr;
    const float * positions = nullptr;  ///< [rows], where there are ALiBi slopes
    const float * query_positions = nullptr;
    const float * slopes = nullptr;  ///< [query rows]; null: none
};

}  // namespace snapkv::attention::cpu
