// What the products of eight-bit integers share on x86: whether the processor has AVX-512 VNNI, and the rounding of a
// block to eight bits.
#pragma once

#include "base/x86_intrinsics.h"

#if defined(__x86_64__)

#define SNAPKV_VNNI_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,fma")))

namespace snapkv::product {

[[nodiscard]] inline bool has_vnni() {
#if defined(SNAPKV_AVX2)
    return false;
#else
    return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0 &&
           __builtin_cpu_supports("fma") != 0;
#endif
}

/// The greatest magnitude of a block's values; where one is not finite, that: the bits of NaN lie above those of
/// infinity, and those above every number's.
SNAPKV_VNNI_TARGET inline float greatest(__m512 first, __m512 second) {
    const __m512i bits =
        _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(first)), _mm512_castps_si512(_mm512_abs_ps(second)));
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(bits))));
}

/// Values times `inverse` to the nearest integers, which fit into eight bits.
SNAPKV_VNNI_TARGET inline __m128i round_to_bytes(__m512 values, float inverse) {
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(inverse))));
}

/// What a block's values are multiplied by before they are rounded, given the greatest; its scale is greatest / 127,
/// and so not finite where a value is not.
inline float inverse_scale(float greatest_value) {
    return greatest_value > 0 ? 127.0F / greatest_value : 0.0F;
}

}  // namespace snapkv::product

#endif
