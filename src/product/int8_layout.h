#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "product/gemm.h"

namespace snapkv::product {

// How weights lie for products of eight-bit integers: columns in groups of 32; for each block of the depth, eight times
// 2 x 64 bytes (four values of the depth for each of 16 columns), then the columns' scales. Values are stored as
// w + 128. A column that is not there is one of zeros.

constexpr std::uint32_t kInt8Group = 32;  ///< columns that are multiplied together: two registers of sums a row
constexpr std::size_t kInt8Vector = 64;
constexpr std::size_t kInt8Quads = Int8Block::kSize / 4;
constexpr std::size_t kInt8StepBytes = (kInt8Quads + 1) * 2 * kInt8Vector;  ///< one block of the depth of one group

constexpr std::size_t int8_group_bytes(std::uint32_t depth) {
    return depth / Int8Block::kSize * kInt8StepBytes;
}

/// Needs a processor with AVX-512; packs floats, and straight from blocks as stored: Q4_0, Q5_0, Q8_0 and IQ4_NL
/// exactly, Q4_1 and Q5_1 with a scale of each block's greatest value over 127, as floats are.
[[nodiscard]] std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t columns, std::uint32_t depth);

}  // namespace snapkv::product
