// What products of rows of weights with few inputs have in common in vectors of 256 bits.
#pragma once

#include "base/x86_intrinsics.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "product/block_codes_avx2.h"
#include "product/byte_blocks.h"
#include "product/targets.h"

namespace snapkv::product::avx2 {

/// 128 values of an input, rounded to eight bits by blocks of 32, in the order of the weights' codes.
struct InputStep {
    std::array<std::array<std::int8_t, 32>, 4> values;
    std::array<float, 8> scales;
    /// In the first of a block's two lanes: what its offset multiplies, which is the sum of the values (a float); or
    /// minus the codes' zero times the sum of the integers; or, for scales of half blocks, the sums of both halves' in
    /// 16 bits each.
    std::array<std::int32_t, 8> rest;
};
static_assert(sizeof(InputStep) == 192);

/// `zero`: of the codes as they are multiplied.
template <typename Blocks>
SNAPKV_AVX2_TARGET inline void prepare_block_for(const float * input, std::size_t block, int zero, InputStep & step) {
    const RoundedBlock rounded = round_block(input);
    std::array<std::int8_t, 32> bytes;
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(bytes.data()), rounded.bytes);
    for (std::size_t half = 0; half < 2; ++half) {
        std::copy_n(bytes.data() + half * 16, 16, step.values[block / 2 * 2 + half].data() + block % 2 * 16);
    }
    const std::size_t lane = factor_lane(block);
    step.scales[lane] = step.scales[lane + 1] = rounded.scale;
    if constexpr (std::is_same_v<Blocks, SixBitBlocks>) {
        step.rest[lane] = rounded.of_second * 65536 + (rounded.of_first & 0xFFFF);
    } else {
        step.rest[lane] = Blocks::kOffsets ? std::bit_cast<std::int32_t>(rounded.sum())
                                           : -zero * (rounded.of_first + rounded.of_second);
    }
}

SNAPKV_INLINED_AVX2 __m256i values_at(const InputStep & input, std::size_t index) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(input.values[index].data()));
}

SNAPKV_INLINED_AVX2 __m256i rest_of(const InputStep & input) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(input.rest.data()));
}

/// Of blocks 0 and 1, four sums each, and of blocks 2 and 3: two sums of each, as factors stand.
SNAPKV_INLINED_AVX2 __m256i fold(__m256i first_pair, __m256i second_pair) {
    return _mm256_add_epi32(_mm256_unpacklo_epi64(first_pair, second_pair),
                            _mm256_unpackhi_epi64(first_pair, second_pair));
}

/// Adds blocks' sums of integers, scaled.
SNAPKV_INLINED_AVX2 __m256 add_scaled(__m256i dot, __m256 scales, const InputStep & input, __m256 sum) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(scales, _mm256_loadu_ps(input.scales.data())), sum);
}

/// The same with the offsets, or the codes' zero, that are not in the sums yet.
template <typename Blocks>
SNAPKV_INLINED_AVX2 __m256 add_dots(const Blocks & /*blocks*/, const Codes & codes, __m256i dot, int zero,
                                    const InputStep & input, __m256 sum) {
    sum = add_scaled(zero != 0 ? _mm256_add_epi32(dot, rest_of(input)) : dot, codes.scales, input, sum);
    return Blocks::kOffsets ? _mm256_fmadd_ps(codes.offsets, _mm256_castsi256_ps(rest_of(input)), sum) : sum;
}

/// Halves of blocks have scales of their own, which are integers and multiply the sums of two products.
SNAPKV_INLINED_AVX2 __m256 add_step(const SixBitBlocks & /*blocks*/, const SixBitBlocks::Codes & codes,
                                    const InputStep & input, __m256 sum) {
    __m256i scaled[4];
    for (std::size_t i = 0; i < 4; ++i) {
        scaled[i] = _mm256_madd_epi16(_mm256_maddubs_epi16(codes.values[i], values_at(input, i)), codes.multipliers[i]);
    }
    const __m256i dot = fold(_mm256_add_epi32(scaled[0], scaled[1]), _mm256_add_epi32(scaled[2], scaled[3]));
    const __m256i of_zero = _mm256_madd_epi16(codes.of_sums, rest_of(input));
    return add_scaled(_mm256_sub_epi32(dot, of_zero), codes.scale, input, sum);
}

using Vector = __m256;

SNAPKV_INLINED_AVX2 Vector zero_vector() {
    return _mm256_setzero_ps();
}

inline constexpr std::uint32_t kRowsAtOnce = 8;

/// The sums of the lanes of two pairs of vectors within each half: two of a and b, two of c and d.
SNAPKV_INLINED_AVX2 __m256 add_quarters(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256d ab = _mm256_castps_pd(_mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)));
    const __m256d cd = _mm256_castps_pd(_mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d)));
    return _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)), _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)));
}

/// The lanes of eight vectors are added up in the same order for each.
template <std::size_t kInputs>
SNAPKV_AVX2_TARGET inline void store_sums(const Vector (*sums)[kInputs], std::uint32_t input, std::uint32_t count,
                                          float * out) {
    const auto at = [&](std::size_t row) SNAPKV_AVX2_TARGET { return sums[row][input]; };
    const __m256 low = add_quarters(at(0), at(1), at(2), at(3));
    const __m256 high = add_quarters(at(4), at(5), at(6), at(7));
    const __m256 all = _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
    if (count == kRowsAtOnce) {
        _mm256_storeu_ps(out, all);
        return;
    }
    std::array<float, kRowsAtOnce> results;
    _mm256_storeu_ps(results.data(), all);
    std::copy_n(results.data(), count, out);
}

}  // namespace snapkv::product::avx2

#endif
