// Both sets with vectors of 256 bits: eight columns each.
#include <cstring>

#include "base/x86_intrinsics.h"
#include "product/int8_kernels.h"
#include "product/int8_layout.h"
#include "product/targets.h"

#if defined(__x86_64__)

namespace snapkv::product {

namespace {

constexpr std::uint32_t kVectors = 2;  // that stand side by side in a tile
constexpr std::uint32_t kLanes = 8;

/// For each row of a tile and vector of its columns.
template <std::uint32_t Rows>
using Floats256 = __m256[Rows][kVectors];
template <std::uint32_t Rows>
using Integers256 = __m256i[Rows][kVectors];

SNAPKV_INLINED_AVX2 __m256i four_values(const Int8Block & input, std::size_t quad) {
    std::int32_t four = 0;
    std::memcpy(&four, input.values.data() + quad * 4, sizeof four);
    return _mm256_set1_epi32(four);
}

/// The weights of one vector of columns for four values of the depth.
SNAPKV_INLINED_AVX2 __m256i weights_at(const std::byte * weights, std::size_t quad, std::uint32_t vector) {
    return _mm256_load_si256(
        reinterpret_cast<const __m256i *>(weights + 2 * quad * kInt8Vector + vector * sizeof(__m256i)));
}

/// Sums stay where they are between additions: compilers would put all of a block's additions behind its
/// multiplications, and have no registers for what waits.
SNAPKV_INLINED_AVX2 void hold(__m256i & sum) {
    __asm__("" : "+x"(sum));
}

template <std::uint32_t Rows>
SNAPKV_INLINED_AVX2 void begin_tile(const Int8Tile & tile, Floats256<Rows> & sums) {
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < kVectors; ++c) {
            const float * out = tile.out + r * tile.stride + c * kLanes;
            sums[r][c] = tile.accumulate ? _mm256_loadu_ps(out) : _mm256_setzero_ps();
            if (tile.bias != nullptr) {
                sums[r][c] = _mm256_add_ps(sums[r][c], _mm256_loadu_ps(tile.bias + c * kLanes));
            }
        }
    }
}

/// Adds a block's sums of integers, scaled.
template <std::uint32_t Rows, bool Offsets>
SNAPKV_INLINED_AVX2 void add_block(const std::byte * weights, const Int8Block * input, std::size_t row_blocks,
                                   const Integers256<Rows> & dots, Floats256<Rows> & sums) {
    const auto * scales = reinterpret_cast<const float *>(weights + 2 * kInt8Quads * kInt8Vector);
    for (std::uint32_t r = 0; r < Rows; ++r) {
        const __m256 scale = _mm256_set1_ps(input[r * row_blocks].scale);
        for (std::uint32_t c = 0; c < kVectors; ++c) {
            const __m256 dot = _mm256_mul_ps(_mm256_cvtepi32_ps(dots[r][c]), scale);
            sums[r][c] = _mm256_fmadd_ps(dot, _mm256_load_ps(scales + c * kLanes), sums[r][c]);
            if (Offsets) {
                const __m256 sum = _mm256_set1_ps(input[r * row_blocks].sum);
                sums[r][c] = _mm256_fmadd_ps(sum, _mm256_load_ps(scales + kInt8Group + c * kLanes), sums[r][c]);
            }
        }
    }
}

template <std::uint32_t Rows>
SNAPKV_INLINED_AVX2 void end_tile(const Int8Tile & tile, const Floats256<Rows> & sums) {
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < kVectors; ++c) {
            _mm256_storeu_ps(tile.out + r * tile.stride + c * kLanes, sums[r][c]);
        }
    }
}

/// Codes of a few bits: the sums of two products of all of Quads steps fit into 16 bits together.
template <std::uint32_t Rows, std::size_t Quads>
SNAPKV_INLINED_AVX2 void add_codes(const std::byte * weights, const Int8Block * input, std::size_t row_blocks,
                                   std::size_t first_quad, Integers256<Rows> & dots) {
    Integers256<Rows> pairs;
    for (auto & of_row : pairs) {
        of_row[0] = of_row[1] = _mm256_setzero_si256();
    }
#pragma GCC unroll 8
    for (std::size_t quad = first_quad; quad < first_quad + Quads; ++quad) {
        const __m256i first = weights_at(weights, quad, 0);
        const __m256i second = weights_at(weights, quad, 1);
#pragma GCC unroll 4
        for (std::uint32_t r = 0; r < Rows; ++r) {
            const __m256i values = four_values(input[r * row_blocks], quad);
            pairs[r][0] = _mm256_add_epi16(pairs[r][0], _mm256_maddubs_epi16(first, values));
            pairs[r][1] = _mm256_add_epi16(pairs[r][1], _mm256_maddubs_epi16(second, values));
            hold(pairs[r][0]);
            hold(pairs[r][1]);
        }
    }
    const __m256i ones = _mm256_set1_epi16(1);
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < kVectors; ++c) {
            dots[r][c] = _mm256_add_epi32(dots[r][c], _mm256_madd_epi16(pairs[r][c], ones));
        }
    }
}

/// Codes of `Bits` bits, less Zero.
template <std::uint32_t Rows, std::size_t Bits, int Zero, bool Offsets>
SNAPKV_AVX2_TARGET void multiply_codes(const Int8Tile & tile) {
    constexpr std::size_t kGreatestSum = 2 * 127 * ((std::size_t{1} << Bits) - 1);
    constexpr std::size_t kQuads = kGreatestSum * kInt8Quads <= 32767 ? kInt8Quads : kInt8Quads / 2;
    static_assert(kGreatestSum * kQuads <= 32767);
    Floats256<Rows> sums;
    begin_tile<Rows>(tile, sums);
    const std::byte * weights = tile.weights;
    const Int8Block * input = tile.input;
    for (std::uint32_t block = 0; block < tile.blocks; ++block, ++input, weights += int8_step_bytes(Offsets)) {
        Integers256<Rows> dots;
        for (std::uint32_t r = 0; r < Rows; ++r) {
            // -128 times the sum of the values is at hand.
            dots[r][0] = dots[r][1] =
                Zero == 0 ? _mm256_setzero_si256() : _mm256_set1_epi32(input[r * tile.row_blocks].start / (128 / Zero));
        }
        for (std::size_t quad = 0; quad < kInt8Quads; quad += kQuads) {
            add_codes<Rows, kQuads>(weights, input, tile.row_blocks, quad, dots);
        }
        add_block<Rows, Offsets>(weights, input, tile.row_blocks, dots, sums);
    }
    end_tile<Rows>(tile, sums);
}

/// Signed bytes: their magnitudes times the values with their signs, two of which are at most 2 * 128 * 127.
template <std::uint32_t Rows>
SNAPKV_AVX2_TARGET void multiply_signed(const Int8Tile & tile) {
    Floats256<Rows> sums;
    begin_tile<Rows>(tile, sums);
    const __m256i ones = _mm256_set1_epi16(1);
    const std::byte * weights = tile.weights;
    const Int8Block * input = tile.input;
    for (std::uint32_t block = 0; block < tile.blocks; ++block, ++input, weights += int8_step_bytes(false)) {
        Integers256<Rows> dots;
        for (auto & of_row : dots) {
            of_row[0] = of_row[1] = _mm256_setzero_si256();
        }
#pragma GCC unroll 8
        for (std::size_t quad = 0; quad < kInt8Quads; ++quad) {
            const __m256i first = weights_at(weights, quad, 0);
            const __m256i second = weights_at(weights, quad, 1);
            const __m256i first_size = _mm256_abs_epi8(first);
            const __m256i second_size = _mm256_abs_epi8(second);
#pragma GCC unroll 4
            for (std::uint32_t r = 0; r < Rows; ++r) {
                const __m256i values = four_values(input[r * tile.row_blocks], quad);
                const __m256i of_first = _mm256_maddubs_epi16(first_size, _mm256_sign_epi8(values, first));
                const __m256i of_second = _mm256_maddubs_epi16(second_size, _mm256_sign_epi8(values, second));
                dots[r][0] = _mm256_add_epi32(dots[r][0], _mm256_madd_epi16(of_first, ones));
                dots[r][1] = _mm256_add_epi32(dots[r][1], _mm256_madd_epi16(of_second, ones));
                hold(dots[r][0]);
                hold(dots[r][1]);
            }
        }
        add_block<Rows, false>(weights, input, tile.row_blocks, dots, sums);
    }
    end_tile<Rows>(tile, sums);
}

/// Unsigned bytes, whose sums of four products are added to 32 bits at once.
template <std::uint32_t Rows, bool Offsets>
SNAPKV_AVX_VNNI_TARGET void multiply_bytes(const Int8Tile & tile) {
    Floats256<Rows> sums;
    begin_tile<Rows>(tile, sums);
    const std::byte * weights = tile.weights;
    const Int8Block * input = tile.input;
    for (std::uint32_t block = 0; block < tile.blocks; ++block, ++input, weights += int8_step_bytes(Offsets)) {
        Integers256<Rows> dots;
        for (std::uint32_t r = 0; r < Rows; ++r) {
            dots[r][0] = dots[r][1] = _mm256_set1_epi32(Offsets ? 0 : input[r * tile.row_blocks].start);
        }
#pragma GCC unroll 8
        for (std::size_t quad = 0; quad < kInt8Quads; ++quad) {
            const __m256i first = weights_at(weights, quad, 0);
            const __m256i second = weights_at(weights, quad, 1);
#pragma GCC unroll 4
            for (std::uint32_t r = 0; r < Rows; ++r) {
                const __m256i values = four_values(input[r * tile.row_blocks], quad);
                dots[r][0] = _mm256_dpbusd_avx_epi32(dots[r][0], first, values);
                dots[r][1] = _mm256_dpbusd_avx_epi32(dots[r][1], second, values);
            }
        }
        add_block<Rows, Offsets>(weights, input, tile.row_blocks, dots, sums);
    }
    end_tile<Rows>(tile, sums);
}

template <std::size_t Bits, int Zero, bool Offsets>
constexpr Int8Kernels kCodes{
    .columns = kVectors * kLanes,
    .multiply = {multiply_codes<1, Bits, Zero, Offsets>, multiply_codes<2, Bits, Zero, Offsets>,
                 multiply_codes<3, Bits, Zero, Offsets>, multiply_codes<4, Bits, Zero, Offsets>}};
constexpr Int8Kernels kSigned{
    .columns = kVectors * kLanes,
    .multiply = {multiply_signed<1>, multiply_signed<2>, multiply_signed<3>, multiply_signed<4>}};
template <bool Offsets>
constexpr Int8Kernels kBytes{.columns = kVectors * kLanes,
                             .multiply = {multiply_bytes<1, Offsets>, multiply_bytes<2, Offsets>,
                                          multiply_bytes<3, Offsets>, multiply_bytes<4, Offsets>}};

}  // namespace

const Int8Kernels & int8_kernels_avx2(ggml_type stored) {
    switch (stored) {
        case GGML_TYPE_Q4_0:
            return kCodes<4, int8_zero(InstructionSet::Avx2, GGML_TYPE_Q4_0), false>;
        case GGML_TYPE_Q4_1:
            return kCodes<4, 0, true>;
        case GGML_TYPE_Q5_0:
            return kCodes<5, int8_zero(InstructionSet::Avx2, GGML_TYPE_Q5_0), false>;
        case GGML_TYPE_Q5_1:
            return kCodes<5, 0, true>;
        default:
            return kSigned;
    }
}

const Int8Kernels & int8_kernels_avx_vnni(ggml_type stored) {
    return int8_has_offsets(stored) ? kBytes<true> : kBytes<false>;
}

}  // namespace snapkv::product

#endif
