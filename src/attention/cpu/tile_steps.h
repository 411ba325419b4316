#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "snapkv/cache_config.h"

/// Attention of many query rows, in steps over tiles of K/V rows: pack the tile's keys and values; then for each strip
/// of query rows multiply with the keys, fold the logits into the running softmax, multiply with the values. A driver
/// (row_block.h) calls the steps; each instruction set brings its own, with operands packed to its own taste.
///
/// A query row's result depends on nothing but that row and the tiles: the steps treat rows of a strip alike and
/// columns in ascending order.
namespace snapkv::attention::cpu {

/// Query rows of a strip: their logits against a tile stay in the second-level cache, and what is read of a tile's
/// panel stays in the first for all of them. A multiple of every row_step.
inline constexpr std::uint32_t kStripRows = 48;
/// A row's sum is kept in so many parts, whatever the vectors' length.
inline constexpr std::uint32_t kSumParts = 16;
/// What a row's reference is before it has seen anything.
inline constexpr float kNothingSeen = -std::numeric_limits<float>::infinity();

/// Rows, keys or values, of one KV head at equal distances.
struct StoredRows {
    const std::byte * data;
    std::uint32_t rows;
    std::uint32_t size;  ///< elements of a row
    KvType type;         ///< no quantised one
    std::size_t stride;  ///< bytes from row to row

    [[nodiscard]] const std::byte * row(std::size_t index) const { return data + index * stride; }
};

/// Query rows on their way over the tiles. The softmax is kept relative to a row's reference, a power of two near its
/// greatest logit so far: sum of 2^(logit - reference), and the sum of values with these weights.
struct Strip {
    const std::byte * queries = nullptr;  ///< packed
    std::uint32_t rows = 0;               ///< at most kStripRows; a multiple of row_step, padding included
    std::uint32_t first = 0;              ///< tile columns [first, last), multiples of the panel
    std::uint32_t last = 0;
    const std::uint32_t * begin = nullptr;  ///< row r sees the columns [begin[r], end[r]), padding rows none
    const std::uint32_t * end = nullptr;
    float * logits = nullptr;     ///< [row][tile], base 2
    float * reference = nullptr;  ///< [row]
    float * sums = nullptr;       ///< [row][kSumParts]
    float * values = nullptr;     ///< [row][value_stride]
    std::size_t value_stride = 0;
};

/// The steps for one instruction set. Buffers begin at multiples of 64 bytes; strides are those of padded().
struct TileSteps {
    std::uint32_t tile = 0;      ///< K/V rows of a tile
    std::uint32_t panel = 0;     ///< columns that are worked on together; divides `tile`
    std::uint32_t row_step = 0;  ///< query rows that are worked on together; divides kStripRows
    std::size_t element = 0;     ///< bytes of an element of a packed operand

    /// One query row of `size` floats, each times `factor`, to padded(size) elements.
    void (*pack_query)(const float * row, std::uint32_t size, float factor, std::byte * to) = nullptr;
    /// Up to a tile's rows to tile x padded(size) elements; what is missing of the last panel is zero.
    void (*pack_keys)(const StoredRows & keys, std::byte * to) = nullptr;
    /// Likewise, but to the tile's end.
    void (*pack_values)(const StoredRows & values, std::byte * to) = nullptr;
    /// logits = queries x keys in columns [first, last).
    void (*logits)(const Strip & strip, const std::byte * keys, std::uint32_t key_size) = nullptr;
    /// Turns the logits of [first, last) into weights in the same memory (where each row's begin, of the packed
    /// element type), zero for what a row does not see; moves reference, sums and values along.
    void (*weigh)(const Strip & strip) = nullptr;
    /// values += weights x values over columns [first, last).
    void (*accumulate)(const Strip & strip, const std::byte * values, std::uint32_t value_size) = nullptr;
};

/// The steps of AVX-512 with bfloat16 products; null where the processor has none, or where instruction sets were
/// restricted to others (instruction_sets.h).
[[nodiscard]] const TileSteps * bf16_steps();

/// The steps in float32 of the best instruction set allowed.
[[nodiscard]] const TileSteps & f32_steps();

/// The steps for rows of some types: float32 rows are multiplied as they are, others with bfloat16 products where there
/// are any, which round them (and the queries) once more.
[[nodiscard]] const TileSteps & steps_for(KvTypes type);

}  // namespace snapkv::attention::cpu
