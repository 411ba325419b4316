#include "product/gemm_int8.h"

#include "base/raise.h"
#include "product/int8_layout.h"
#include "product/vnni.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>

namespace snapkv::product {

namespace {

constexpr std::uint32_t kRows = 4;  // that are multiplied together
/// Blocks of the depth at a time: more would not leave the second cache room for the rows.
constexpr std::uint32_t kDepthBlocks = 128;

/// A tile of results: kRows rows at most, a group of columns.
struct Tile {
    float * out;
    std::size_t stride;
    const float * bias;  ///< null: none
    std::array<__mmask16, 2> columns;
    bool accumulate;
};

template <std::uint32_t Rows, bool Offsets>
SNAPKV_VNNI_TARGET void multiply(const std::byte * weights, const Int8Block * input, std::size_t row_blocks,
                                 std::uint32_t blocks, const Tile & tile) {
    __m512 sums[Rows][2];
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < 2; ++c) {
            const float * out = tile.out + r * tile.stride + c * 16;
            sums[r][c] = tile.accumulate ? _mm512_maskz_loadu_ps(tile.columns[c], out) : _mm512_setzero_ps();
            if (tile.bias != nullptr) {
                sums[r][c] = _mm512_add_ps(sums[r][c], _mm512_maskz_loadu_ps(tile.columns[c], tile.bias + c * 16));
            }
        }
    }
    for (std::uint32_t block = 0; block < blocks; ++block, weights += int8_step_bytes(Offsets)) {
        __m512i dots[Rows][2];
        for (std::uint32_t r = 0; r < Rows; ++r) {
            dots[r][0] = dots[r][1] = _mm512_set1_epi32(Offsets ? 0 : input[r * row_blocks + block].start);
        }
#pragma GCC unroll 8
        for (std::size_t quad = 0; quad < kInt8Quads; ++quad) {
            const __m512i first = _mm512_load_si512(weights + 2 * quad * kInt8Vector);
            const __m512i second = _mm512_load_si512(weights + (2 * quad + 1) * kInt8Vector);
#pragma GCC unroll 4
            for (std::uint32_t r = 0; r < Rows; ++r) {
                std::int32_t four = 0;
                std::memcpy(&four, input[r * row_blocks + block].values.data() + quad * 4, sizeof four);
                const __m512i values = _mm512_set1_epi32(four);
                dots[r][0] = _mm512_dpbusd_epi32(dots[r][0], first, values);
                dots[r][1] = _mm512_dpbusd_epi32(dots[r][1], second, values);
            }
        }
        const auto * scales = reinterpret_cast<const float *>(weights + 2 * kInt8Quads * kInt8Vector);
        for (std::uint32_t r = 0; r < Rows; ++r) {
            const __m512 scale = _mm512_set1_ps(input[r * row_blocks + block].scale);
            for (std::uint32_t c = 0; c < 2; ++c) {
                const __m512 dot = _mm512_mul_ps(_mm512_cvtepi32_ps(dots[r][c]), scale);
                sums[r][c] = _mm512_fmadd_ps(dot, _mm512_load_ps(scales + c * 16), sums[r][c]);
                if (Offsets) {
                    const __m512 sum = _mm512_set1_ps(input[r * row_blocks + block].sum);
                    sums[r][c] = _mm512_fmadd_ps(sum, _mm512_load_ps(scales + 32 + c * 16), sums[r][c]);
                }
            }
        }
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < 2; ++c) {
            _mm512_mask_storeu_ps(tile.out + r * tile.stride + c * 16, tile.columns[c], sums[r][c]);
        }
    }
}

constexpr std::array kMultiply{multiply<1, false>, multiply<2, false>, multiply<3, false>, multiply<4, false>};
constexpr std::array kMultiplyOffsets{multiply<1, true>, multiply<2, true>, multiply<3, true>, multiply<4, true>};

struct Product final : Gemm::Impl {
    Product(Gemm::Mode its_mode, std::uint32_t its_rows, const PackedLayout & layout)
        : mode(its_mode),
          rows(its_rows),
          columns(layout.columns()),
          depth(layout.depth()),
          offsets(int8_has_offsets(layout.stored())) {}

    [[nodiscard]] std::size_t scratch_bytes() const override { return 0; }

    void run(const void * input, const void * weights, const float * bias, float * out,
             std::byte * /*scratch*/) const override {
        const std::uint32_t row_blocks = depth / Int8Block::kSize;
        const auto & kernels = offsets ? kMultiplyOffsets : kMultiply;
        for (std::uint32_t block = 0; block < row_blocks; block += kDepthBlocks) {
            const std::uint32_t blocks = std::min(kDepthBlocks, row_blocks - block);
            for (std::uint32_t column = 0; column < columns; column += kInt8Group) {
                const std::byte * group = static_cast<const std::byte *>(weights) +
                                          column / kInt8Group * int8_group_bytes(depth, offsets) +
                                          block * int8_step_bytes(offsets);
                const auto left = static_cast<unsigned>(std::min(kInt8Group, columns - column));
                const std::uint32_t mask = left == kInt8Group ? ~0U : (1U << left) - 1;
                Tile tile{.out = out + column,
                          .stride = columns,
                          .bias = bias != nullptr && block == 0 ? bias + column : nullptr,
                          .columns = {static_cast<__mmask16>(mask), static_cast<__mmask16>(mask >> 16U)},
                          .accumulate = mode == Gemm::Mode::Accumulate || block > 0};
                const auto * from = static_cast<const Int8Block *>(input) + block;
                for (std::uint32_t row = 0; row < rows; row += kRows) {
                    kernels[std::min(kRows, rows - row) - 1](group, from, row_blocks, blocks, tile);
                    from += std::size_t{kRows} * row_blocks;
                    tile.out += std::size_t{kRows} * columns;
                }
            }
        }
    }

    Gemm::Mode mode;
    std::uint32_t rows;
    std::uint32_t columns;
    std::uint32_t depth;
    bool offsets;
};

}  // namespace

bool int8_available() {
    static const bool has = has_vnni();
    return has;
}

std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode mode, std::uint32_t rows, const PackedLayout & layout) {
    return std::make_shared<Product>(mode, rows, layout);
}

}  // namespace snapkv::product

#else

namespace snapkv::product {

bool int8_available() {
    return false;
}

std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode /*mode*/, std::uint32_t /*rows*/,
                                            const PackedLayout & /*layout*/) {
    raise_machine("8-bit products need a processor with AVX-512 VNNI");
}

}  // namespace snapkv::product

#endif
