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

#define SNAPKV_ROWS_TARGET SNAPKV_AVX_VNNI_TARGET

namespace snapkv::product::avx_vnni {

namespace {

using namespace avx2;  // vectors and codes are the same

/// Signed codes are multiplied with 128 added.
template <typename Blocks>
constexpr int kZeroOf = Blocks::kSigned ? 128 : Blocks::kZero;

template <typename Blocks>
SNAPKV_ROWS_TARGET void prepare_block(const float * input, std::size_t block, InputStep & step) {
    prepare_block_for<Blocks>(input, block, kZeroOf<Blocks>, step);
}

template <typename Blocks>
[[gnu::always_inline]] SNAPKV_ROWS_TARGET inline __m256 add_step(const Blocks & blocks, const Codes & codes,
                                                                 const InputStep & input, __m256 sum) {
    __m256i dots[2];
    for (std::size_t pair = 0; pair < 2; ++pair) {
        dots[pair] = _mm256_setzero_si256();
        for (std::size_t i = 2 * pair; i < 2 * pair + 2; ++i) {
            const __m256i shifted =
                Blocks::kSigned ? _mm256_xor_si256(codes.values[i], _mm256_set1_epi8(-128)) : codes.values[i];
            dots[pair] = _mm256_dpbusd_avx_epi32(dots[pair], shifted, values_at(input, i));
        }
    }
    return add_dots(blocks, codes, fold(dots[0], dots[1]), kZeroOf<Blocks>, input, sum);
}

#include "product/block_rows-inl.h"

}  // namespace

const RowDot * block_rows(ggml_type type) {
    return row_dot_of(type);
}

}  // namespace snapkv::product::avx_vnni

#endif
