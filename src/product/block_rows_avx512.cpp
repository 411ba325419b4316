#include "base/x86_intrinsics.h"
#include "product/block_codes_avx512.h"
#include "product/block_rows.h"
#include "product/byte_blocks.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#define SNAPKV_ROWS_TARGET SNAPKV_BLOCKS_TARGET

namespace snapkv::product::avx512 {

namespace {

/// 128 values of an input, rounded to eight bits by blocks of 32, in the order of the weights' codes.
struct InputStep {
    std::array<std::int8_t, 64> low;
    std::array<std::int8_t, 64> high;
    std::array<float, 4> scales;  ///< of the blocks
    std::array<float, 4> sums;    ///< of a block's values: what its offset multiplies
    /// Minus the codes' zero times the sum of each half of a block: the first halves, then the others.
    std::array<std::int32_t, 8> minus;
};
static_assert(sizeof(InputStep) == 192);

template <typename Blocks>
SNAPKV_ROWS_TARGET void prepare_block(const float * input, std::size_t block, InputStep & step) {
    const RoundedBlock rounded = round_block(input);
    std::array<std::int8_t, 32> bytes;
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(bytes.data()), rounded.bytes);
    for (std::size_t i = 0; i < 4; ++i) {
        std::memcpy(step.low.data() + 16 * i + 4 * block, bytes.data() + Blocks::kOrder[i], 4);
        std::memcpy(step.high.data() + 16 * i + 4 * block, bytes.data() + Blocks::kOrder[4 + i], 4);
    }
    step.scales[block] = rounded.scale;
    step.sums[block] = rounded.sum();
    step.minus[block] = -Blocks::kZero * rounded.of_first;
    step.minus[4 + block] = -Blocks::kZero * rounded.of_second;
}

using Vector = __m512;

SNAPKV_ROWS_TARGET inline Vector zero_vector() {
    return _mm512_setzero_ps();
}

constexpr std::uint32_t kRowsAtOnce = 16;

template <typename Blocks>
SNAPKV_ROWS_TARGET inline Vector add_step(const Blocks & /*blocks*/, const Codes & codes, const InputStep & input,
                                          Vector sum) {
    __m512i dot = _mm512_setzero_si512();
    if constexpr (Blocks::kZero != 0) {
        dot = _mm512_zextsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(input.minus.data())));
    }
    dot = _mm512_dpbusd_epi32(dot, codes.low, _mm512_loadu_si512(input.low.data()));
    dot = _mm512_dpbusd_epi32(dot, codes.high, _mm512_loadu_si512(input.high.data()));
    const __m512 scales = _mm512_mul_ps(codes.scales, _mm512_broadcast_f32x4(_mm_loadu_ps(input.scales.data())));
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scales, sum);
    if constexpr (Blocks::kOffsets) {
        sum = _mm512_fmadd_ps(codes.offsets, _mm512_zextps128_ps512(_mm_loadu_ps(input.sums.data())), sum);
    }
    return sum;
}

/// Adds up pairs of neighbouring quarters: two of x, then two of y.
SNAPKV_ROWS_TARGET inline __m512 fold(__m512 x, __m512 y) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xDD));
}

/// The lanes of sixteen vectors are added up in the same order for each.
template <std::size_t kInputs>
SNAPKV_ROWS_TARGET inline void store_sums(const Vector (*sums)[kInputs], std::uint32_t input, std::uint32_t count,
                                          float * out) {
    __m512 four[4];
    for (std::size_t group = 0; group < 4; ++group) {
        const __m512 a = sums[group * 4][input];
        const __m512 b = sums[group * 4 + 1][input];
        const __m512 c = sums[group * 4 + 2][input];
        const __m512 d = sums[group * 4 + 3][input];
        const __m512d ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
        const __m512d cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
        four[group] =
            _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)));
    }
    _mm512_mask_storeu_ps(out, static_cast<__mmask16>((1U << count) - 1U),
                          fold(fold(four[0], four[1]), fold(four[2], four[3])));
}

#include "product/block_rows-inl.h"

}  // namespace

const RowDot * block_rows(ggml_type type) {
    return row_dot_of(type);
}

}  // namespace snapkv::product::avx512

#endif
