#include "product/gemm_int8.h"

#include "base/raise.h"
#include "product/instruction_sets.h"
#include "product/int8_kernels.h"
#include "product/int8_layout.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>

namespace snapkv::product {

namespace {

/// Blocks of the depth at a time: more would not leave the second cache room for the rows.
constexpr std::uint32_t kDepthBlocks = 128;

const Int8Kernels & kernels_for(const PackedLayout & layout) {
    switch (int8_instruction_set(layout)) {
        case InstructionSet::Avx512Vnni:
            return int8_kernels_avx512(layout.stored());
        case InstructionSet::AvxVnni:
            return int8_kernels_avx_vnni(layout.stored());
        default:
            return int8_kernels_avx2(layout.stored());
    }
}

/// A tile of which only the first `columns` columns are there, by way of memory for all of them.
void multiply_edge(Int8Kernels::Multiply multiply, Int8Tile tile, std::uint32_t rows, std::uint32_t columns) {
    std::array<float, std::size_t{Int8Kernels::kMostRows} * Int8Kernels::kMostColumns> results{};
    std::array<float, Int8Kernels::kMostColumns> bias{};
    float * out = tile.out;
    const std::size_t stride = tile.stride;
    for (std::uint32_t row = 0; row < rows && tile.accumulate; ++row) {
        std::copy_n(out + row * stride, columns, results.data() + row * bias.size());
    }
    if (tile.bias != nullptr) {
        std::copy_n(tile.bias, columns, bias.data());
        tile.bias = bias.data();
    }
    tile.out = results.data();
    tile.stride = bias.size();
    multiply(tile);
    for (std::uint32_t row = 0; row < rows; ++row) {
        std::copy_n(results.data() + row * bias.size(), columns, out + row * stride);
    }
}

struct Product final : Gemm::Impl {
    Product(Gemm::Mode its_mode, std::uint32_t its_rows, const PackedLayout & layout)
        : kernels(kernels_for(layout)),
          mode(its_mode),
          rows(its_rows),
          columns(layout.columns()),
          depth(layout.depth()),
          offsets(int8_has_offsets(layout.stored())) {}

    [[nodiscard]] std::size_t scratch_bytes() const override { return 0; }

    void run(const void * input, const void * weights, const float * bias, float * out,
             std::byte * /*scratch*/) const override {
        const std::uint32_t row_blocks = depth / Int8Block::kSize;
        for (std::uint32_t block = 0; block < row_blocks; block += kDepthBlocks) {
            for (std::uint32_t column = 0; column < columns; column += kernels.columns) {
                const std::byte * from = static_cast<const std::byte *>(weights) +
                                         int8_column_offset(column, depth, offsets) + block * int8_step_bytes(offsets);
                multiply_columns(std::min(kernels.columns, columns - column),
                                 {.weights = from,
                                  .input = static_cast<const Int8Block *>(input) + block,
                                  .row_blocks = row_blocks,
                                  .blocks = std::min(kDepthBlocks, row_blocks - block),
                                  .out = out + column,
                                  .stride = columns,
                                  .bias = bias != nullptr && block == 0 ? bias + column : nullptr,
                                  .accumulate = mode == Gemm::Mode::Accumulate || block > 0});
            }
        }
    }

    /// All rows, from a tile that begins with the first of them on.
    void multiply_columns(std::uint32_t count, Int8Tile tile) const {
        for (std::uint32_t row = 0; row < rows; row += Int8Kernels::kMostRows) {
            const std::uint32_t together = std::min(Int8Kernels::kMostRows, rows - row);
            const Int8Kernels::Multiply multiply = kernels.multiply[together - 1];
            if (count == kernels.columns) {
                multiply(tile);
            } else {
                multiply_edge(multiply, tile, together, count);
            }
            tile.input += together * tile.row_blocks;
            tile.out += together * tile.stride;
        }
    }

    const Int8Kernels & kernels;
    Gemm::Mode mode;
    std::uint32_t rows;
    std::uint32_t columns;
    std::uint32_t depth;
    bool offsets;
};

}  // namespace

std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode mode, std::uint32_t rows, const PackedLayout & layout) {
    return std::make_shared<Product>(mode, rows, layout);
}

}  // namespace snapkv::product

#else

namespace snapkv::product {

std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode /*mode*/, std::uint32_t /*rows*/,
                                            const PackedLayout & /*layout*/) {
    raise_machine("8-bit products need a processor with AVX2");
}

}  // namespace snapkv::product

#endif
