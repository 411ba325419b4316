// How a block of 32 floats is rounded to eight bits, with AVX2.
#pragma once

#include "base/x86_intrinsics.h"
#include "product/targets.h"

#if defined(__x86_64__)

namespace snapkv::product {

/// The greatest magnitude of a block's values; where one is not finite, that: the bits of NaN lie above those of
/// infinity, and those above every number's.
SNAPKV_AVX2_TARGET inline float greatest(const float * block) {
    const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < 4; ++i) {
        most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(block + 8 * i)), magnitude));
    }
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(half));
}

/// A block's values times `inverse` to the nearest integers, which fit into eight bits.
SNAPKV_AVX2_TARGET inline __m256i round_to_bytes(const float * block, float inverse) {
    const __m256 by = _mm256_set1_ps(inverse);
    __m256i whole[4];
    for (int i = 0; i < 4; ++i) {
        whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(block + 8 * i), by));
    }
    const __m256i bytes =
        _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// What a block's values are multiplied by before they are rounded, given the greatest; its scale is greatest / 127,
/// and so not finite where a value is not.
inline float inverse_scale(float greatest_value) {
    return greatest_value > 0 ? 127.0F / greatest_value : 0.0F;
}

/// A block of 32 values as scale * bytes, and the sums of its halves' bytes.
struct RoundedBlock {
    __m256i bytes;
    float scale;
    int of_first;
    int of_second;

    /// Of the values that the bytes stand for.
    [[nodiscard]] float sum() const { return scale * static_cast<float>(of_first + of_second); }
};

SNAPKV_AVX2_TARGET inline RoundedBlock round_block(const float * block) {
    const float most = greatest(block);
    const __m256i bytes = round_to_bytes(block, inverse_scale(most));
    const __m256i two = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    const __m256i four = _mm256_madd_epi16(two, _mm256_set1_epi16(1));
    const __m128i eight = _mm_hadd_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    const __m128i halves = _mm_hadd_epi32(eight, eight);
    return {bytes, most / 127.0F, _mm_cvtsi128_si32(halves), _mm_extract_epi32(halves, 1)};
}

}  // namespace snapkv::product

#endif
