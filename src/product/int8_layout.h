#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "product/gemm.h"
#include "product/instruction_sets.h"

namespace snapkv::product {

// How weights lie for products of eight-bit integers: columns in groups of 32; for each block of the depth, eight times
// 2 x 64 bytes (four values of the depth for each of 16 columns), then the columns' scales. Types whose blocks have an
// offset keep their codes as they are, and the columns' offsets follow the scales; of others w + int8_zero() is stored,
// since what is multiplied must be unsigned. A column that is not there is one of zeros.

constexpr std::uint32_t kInt8Group = 32;  ///< columns
constexpr std::size_t kInt8Vector = 64;
constexpr std::size_t kInt8Quads = Int8Block::kSize / 4;

/// Does a block of this type have an offset beside its scale?
constexpr bool int8_has_offsets(ggml_type stored) {
    return stored == GGML_TYPE_Q4_1 || stored == GGML_TYPE_Q5_1;
}

/// What is stored for a weight of zero. The sums of two products that AVX2 forms must fit into 16 bits: there, small
/// codes stay as they are, and others are signed.
constexpr int int8_zero(InstructionSet set, ggml_type stored) {
    if (int8_has_offsets(stored)) {
        return 0;
    }
    if (set != InstructionSet::Avx2) {
        return 128;
    }
    return stored == GGML_TYPE_Q4_0 ? 8 : stored == GGML_TYPE_Q5_0 ? 16 : 0;
}

/// Bytes of one block of the depth of one group.
constexpr std::size_t int8_step_bytes(bool offsets) {
    return (kInt8Quads + (offsets ? 2 : 1)) * 2 * kInt8Vector;
}

constexpr std::size_t int8_group_bytes(std::uint32_t depth, bool offsets) {
    return depth / Int8Block::kSize * int8_step_bytes(offsets);
}

/// Where the first block of a column is; columns are taken by multiples of 16.
constexpr std::size_t int8_column_offset(std::uint32_t column, std::uint32_t depth, bool offsets) {
    return column / kInt8Group * int8_group_bytes(depth, offsets) + column % kInt8Group * 4;
}

/// Needs a processor with AVX2; packs floats, and straight from blocks as stored, exactly: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0
/// and IQ4_NL.
[[nodiscard]] std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t columns, std::uint32_t depth,
                                                                    ggml_type stored);
/// Which instructions the weights lie for in a layout of Element::I8: those that were used when it was made.
[[nodiscard]] InstructionSet int8_instruction_set(const PackedLayout & layout);

}  // namespace snapkv::product
