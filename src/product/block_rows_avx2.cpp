#include "base/x86_intrinsics.h"
#include "product/block_rows.h"
#include "product/block_rows_256.h"
#include "product/targets.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#define SNAPKV_ROWS_TARGET SNAPKV_AVX2_TARGET

namespace snapkv::product::avx2 {

namespace {

template <typename Blocks>
SNAPKV_ROWS_TARGET void prepare_block(const float * input, std::size_t block, InputStep & step) {
    prepare_block_for<Blocks>(input, block, Blocks::kZero, step);
}

/// Of two products the sum fits into 16 bits: signed codes are multiplied by magnitude, the values having their signs.
SNAPKV_INLINED_AVX2 __m256i dot_signed(__m256i codes, __m256i values) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(values, codes));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/// Of codes of five bits at most even sums of eight products do.
SNAPKV_INLINED_AVX2 __m256i dot_unsigned(const Codes & codes, const InputStep & input, std::size_t pair) {
    const __m256i first = _mm256_maddubs_epi16(codes.values[2 * pair], values_at(input, 2 * pair));
    const __m256i second = _mm256_maddubs_epi16(codes.values[2 * pair + 1], values_at(input, 2 * pair + 1));
    return _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1));
}

template <typename Blocks>
SNAPKV_INLINED_AVX2 __m256 add_step(const Blocks & blocks, const Codes & codes, const InputStep & input, __m256 sum) {
    __m256i dot;
    if constexpr (Blocks::kSigned) {
        __m256i dots[4];
        for (std::size_t i = 0; i < 4; ++i) {
            dots[i] = dot_signed(codes.values[i], values_at(input, i));
        }
        dot = fold(_mm256_add_epi32(dots[0], dots[1]), _mm256_add_epi32(dots[2], dots[3]));
    } else {
        dot = _mm256_madd_epi16(_mm256_packs_epi32(dot_unsigned(codes, input, 0), dot_unsigned(codes, input, 1)),
                                _mm256_set1_epi16(1));
    }
    return add_dots(blocks, codes, dot, Blocks::kZero, input, sum);
}

#include "product/block_rows-inl.h"

}  // namespace

const RowDot * block_rows(ggml_type type) {
    return row_dot_of(type);
}

}  // namespace snapkv::product::avx2

#endif
