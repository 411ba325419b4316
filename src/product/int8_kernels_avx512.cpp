#include <cstring>

#include "base/x86_intrinsics.h"
#include "product/int8_kernels.h"
#include "product/int8_layout.h"
#include "product/targets.h"

#if defined(__x86_64__)

namespace snapkv::product {

namespace {

template <std::uint32_t Rows, bool Offsets>
SNAPKV_VNNI_TARGET void multiply(const Int8Tile & tile) {
    __m512 sums[Rows][2];
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < 2; ++c) {
            sums[r][c] = tile.accumulate ? _mm512_loadu_ps(tile.out + r * tile.stride + c * 16) : _mm512_setzero_ps();
            if (tile.bias != nullptr) {
                sums[r][c] = _mm512_add_ps(sums[r][c], _mm512_loadu_ps(tile.bias + c * 16));
            }
        }
    }
    const std::byte * weights = tile.weights;
    const Int8Block * input = tile.input;
    for (std::uint32_t block = 0; block < tile.blocks; ++block, ++input, weights += int8_step_bytes(Offsets)) {
        __m512i dots[Rows][2];
        for (std::uint32_t r = 0; r < Rows; ++r) {
            dots[r][0] = dots[r][1] = _mm512_set1_epi32(Offsets ? 0 : input[r * tile.row_blocks].start);
        }
#pragma GCC unroll 8
        for (std::size_t quad = 0; quad < kInt8Quads; ++quad) {
            const __m512i first = _mm512_load_si512(weights + 2 * quad * kInt8Vector);
            const __m512i second = _mm512_load_si512(weights + (2 * quad + 1) * kInt8Vector);
#pragma GCC unroll 4
            for (std::uint32_t r = 0; r < Rows; ++r) {
                std::int32_t four = 0;
                std::memcpy(&four, input[r * tile.row_blocks].values.data() + quad * 4, sizeof four);
                const __m512i values = _mm512_set1_epi32(four);
                dots[r][0] = _mm512_dpbusd_epi32(dots[r][0], first, values);
                dots[r][1] = _mm512_dpbusd_epi32(dots[r][1], second, values);
            }
        }
        const auto * scales = reinterpret_cast<const float *>(weights + 2 * kInt8Quads * kInt8Vector);
        for (std::uint32_t r = 0; r < Rows; ++r) {
            const __m512 scale = _mm512_set1_ps(input[r * tile.row_blocks].scale);
            for (std::uint32_t c = 0; c < 2; ++c) {
                const __m512 dot = _mm512_mul_ps(_mm512_cvtepi32_ps(dots[r][c]), scale);
                sums[r][c] = _mm512_fmadd_ps(dot, _mm512_load_ps(scales + c * 16), sums[r][c]);
                if (Offsets) {
                    const __m512 sum = _mm512_set1_ps(input[r * tile.row_blocks].sum);
                    sums[r][c] = _mm512_fmadd_ps(sum, _mm512_load_ps(scales + 32 + c * 16), sums[r][c]);
                }
            }
        }
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t c = 0; c < 2; ++c) {
            _mm512_storeu_ps(tile.out + r * tile.stride + c * 16, sums[r][c]);
        }
    }
}

template <bool Offsets>
constexpr Int8Kernels kKernels{
    .columns = 32,
    .multiply = {multiply<1, Offsets>, multiply<2, Offsets>, multiply<3, Offsets>, multiply<4, Offsets>}};

}  // namespace

const Int8Kernels & int8_kernels_avx512(ggml_type stored) {
    return int8_has_offsets(stored) ? kKernels<true> : kKernels<false>;
}

}  // namespace snapkv::product

#endif
