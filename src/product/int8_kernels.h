#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "product/gemm.h"
#include "product/instruction_sets.h"

namespace snapkv::product {

// The inner loops of products of eight-bit integers. The integers of a block are summed exactly, blocks in float32 in
// ascending order, each by one multiplication and one fused multiplication and addition, two where they have offsets:
// so all instruction sets give the same bits.

/// A tile of results: some rows of inputs times a kernel's columns, over some blocks of the depth.
struct Int8Tile {
    const std::byte * weights;  ///< of the tile's columns, as int8_layout.h has them
    const Int8Block * input;
    std::size_t row_blocks;  ///< from a row of inputs to the next
    std::uint32_t blocks;
    float * out;
    std::size_t stride;  ///< from a row of results to the next
    const float * bias;  ///< null: none
    bool accumulate;
};

/// Kernels for one instruction set and form of weights, for each number of rows that are multiplied together.
struct Int8Kernels {
    static constexpr std::uint32_t kMostRows = 4;
    static constexpr std::uint32_t kMostColumns = 32;
    using Multiply = void (*)(const Int8Tile & tile);

    std::uint32_t columns;  ///< of a tile
    std::array<Multiply, kMostRows> multiply;
};

[[nodiscard]] const Int8Kernels & int8_kernels_avx512(ggml_type stored);
[[nodiscard]] const Int8Kernels & int8_kernels_avx_vnni(ggml_type stored);
[[nodiscard]] const Int8Kernels & int8_kernels_avx2(ggml_type stored);

}  // namespace snapkv::product
