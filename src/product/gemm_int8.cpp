#include "product/gemm_int8.h"

#include "base/raise.h"
#include "base/x86_intrinsics.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cassert>
#include <cstring>

#define SNAPKV_INT8_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")))

namespace snapkv::product {

namespace {

constexpr std::uint32_t kGroup = 32;  // columns that are multiplied together: two registers of sums a row
constexpr std::uint32_t kRows = 4;    // and rows
constexpr std::size_t kVector = 64;
constexpr std::size_t kQuads = Int8Block::kSize / 4;
constexpr std::size_t kStepBytes = (kQuads + 1) * 2 * kVector;  // one block of the depth of one group
/// Blocks of the depth at a time: more would not leave the second cache room for the rows.
constexpr std::uint32_t kDepthBlocks = 128;

std::size_t group_bytes(std::uint32_t depth) {
    return depth / Int8Block::kSize * kStepBytes;
}

struct Layout final : PackedLayout::Impl {
    Layout(std::uint32_t its_columns, std::uint32_t its_depth) : columns(its_columns), depth(its_depth) {}

    [[nodiscard]] std::size_t bytes() const override { return (columns + kGroup - 1) / kGroup * group_bytes(depth); }

    void pack(const float * panel, std::size_t stride, std::uint32_t first, std::uint32_t count,
              void * packed) const override {
        for (std::uint32_t column = 0; column < (count + kGroup - 1) / kGroup * kGroup; ++column) {
            std::byte * to = static_cast<std::byte *>(packed) + (first + column) / kGroup * group_bytes(depth);
            pack_column(column < count ? panel + column * stride : nullptr, column % kGroup, to);
        }
    }

    /// A column that is not there, where `from` is null, is one of zeros.
    SNAPKV_INT8_TARGET void pack_column(const float * from, std::uint32_t column, std::byte * group) const {
        for (std::uint32_t block = 0; block < depth / Int8Block::kSize; ++block, group += kStepBytes) {
            __m512 first = _mm512_setzero_ps();
            __m512 second = first;
            if (from != nullptr) {
                first = _mm512_loadu_ps(from + block * Int8Block::kSize);
                second = _mm512_loadu_ps(from + block * Int8Block::kSize + 16);
            }
            const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(first), _mm512_abs_ps(second)));
            const __m512 inverse = _mm512_set1_ps(most > 0 ? 127.0F / most : 0.0F);
            const auto narrow = [&](__m512 x) SNAPKV_INT8_TARGET {
                const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(x, inverse));
                return _mm512_cvtepi32_epi8(_mm512_add_epi32(whole, _mm512_set1_epi32(128)));
            };
            alignas(16) std::array<std::uint32_t, kQuads> quads;
            _mm_store_si128(reinterpret_cast<__m128i *>(quads.data()), narrow(first));
            _mm_store_si128(reinterpret_cast<__m128i *>(quads.data() + 4), narrow(second));
            std::byte * to = group + std::size_t{column} * 4;
            for (const std::uint32_t quad : quads) {
                std::memcpy(to, &quad, sizeof quad);
                to += 2 * kVector;
            }
            const float scale = most / 127.0F;
            std::memcpy(to, &scale, sizeof scale);
        }
    }

    std::uint32_t columns;
    std::uint32_t depth;
};

/// A tile of results: kRows rows at most, a group of columns.
struct Tile {
    float * out;
    std::size_t stride;
    const float * bias;  ///< null: none
    std::array<__mmask16, 2> columns;
    bool accumulate;
};

template <std::uint32_t Rows>
SNAPKV_INT8_TARGET void multiply(const std::byte * weights, const Int8Block * input, std::size_t row_blocks,
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
    for (std::uint32_t block = 0; block < blocks; ++block, weights += kStepBytes) {
        __m512i dots[Rows][2];
        for (std::uint32_t r = 0; r < Rows; ++r) {
            dots[r][0] = dots[r][1] = _mm512_set1_epi32(input[r * row_blocks + block].start);
        }
#pragma GCC unroll 8
        for (std::size_t quad = 0; quad < kQuads; ++quad) {
            const __m512i first = _mm512_load_si512(weights + 2 * quad * kVector);
            const __m512i second = _mm512_load_si512(weights + (2 * quad + 1) * kVector);
#pragma GCC unroll 4
            for (std::uint32_t r = 0; r < Rows; ++r) {
                std::int32_t four = 0;
                std::memcpy(&four, input[r * row_blocks + block].values.data() + quad * 4, sizeof four);
                const __m512i values = _mm512_set1_epi32(four);
                dots[r][0] = _mm512_dpbusd_epi32(dots[r][0], first, values);
                dots[r][1] = _mm512_dpbusd_epi32(dots[r][1], second, values);
            }
        }
        const auto * scales = reinterpret_cast<const float *>(weights + 2 * kQuads * kVector);
        for (std::uint32_t r = 0; r < Rows; ++r) {
            const __m512 scale = _mm512_set1_ps(input[r * row_blocks + block].scale);
            for (std::uint32_t c = 0; c < 2; ++c) {
                const __m512 dot = _mm512_mul_ps(_mm512_cvtepi32_ps(dots[r][c]), scale);
                sums[r][c] = _mm512_fmadd_ps(dot, _mm512_load_ps(scales + c * 16), sums[r][c]);
            }
        }
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < 2; ++c) {
            _mm512_mask_storeu_ps(tile.out + r * tile.stride + c * 16, tile.columns[c], sums[r][c]);
        }
    }
}

constexpr std::array kMultiply{multiply<1>, multiply<2>, multiply<3>, multiply<4>};

struct Product final : Gemm::Impl {
    Product(Gemm::Mode its_mode, std::uint32_t its_rows, const PackedLayout & layout)
        : mode(its_mode), rows(its_rows), columns(layout.columns()), depth(layout.depth()) {}

    [[nodiscard]] std::size_t scratch_bytes() const override { return 0; }

    void run(const void * input, const void * weights, const float * bias, float * out,
             std::byte * /*scratch*/) const override {
        const std::uint32_t row_blocks = depth / Int8Block::kSize;
        for (std::uint32_t block = 0; block < row_blocks; block += kDepthBlocks) {
            const std::uint32_t blocks = std::min(kDepthBlocks, row_blocks - block);
            for (std::uint32_t column = 0; column < columns; column += kGroup) {
                const std::byte * group =
                    static_cast<const std::byte *>(weights) + column / kGroup * group_bytes(depth) + block * kStepBytes;
                const auto left = static_cast<unsigned>(std::min(kGroup, columns - column));
                const std::uint32_t mask = left == kGroup ? ~0U : (1U << left) - 1;
                Tile tile{.out = out + column,
                          .stride = columns,
                          .bias = bias != nullptr && block == 0 ? bias + column : nullptr,
                          .columns = {static_cast<__mmask16>(mask), static_cast<__mmask16>(mask >> 16U)},
                          .accumulate = mode == Gemm::Mode::Accumulate || block > 0};
                const auto * from = static_cast<const Int8Block *>(input) + block;
                for (std::uint32_t row = 0; row < rows; row += kRows) {
                    kMultiply[std::min(kRows, rows - row) - 1](group, from, row_blocks, blocks, tile);
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
};

}  // namespace

bool int8_available() {
    static const bool has = __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                            __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
    return has;
}

std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t columns, std::uint32_t depth) {
    if (!int8_available()) {
        raise_machine("products of eight-bit integers need a processor with AVX-512 VNNI");
    }
    assert(depth % Int8Block::kSize == 0);
    return std::make_shared<Layout>(columns, depth);
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

std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t /*columns*/, std::uint32_t /*depth*/) {
    raise_machine("products of eight-bit integers need a processor with AVX-512 VNNI");
}

std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode /*mode*/, std::uint32_t /*rows*/,
                                            const PackedLayout & /*layout*/) {
    raise_machine("products of eight-bit integers need a processor with AVX-512 VNNI");
}

}  // namespace snapkv::product

#endif
