#include "product/q4_rows.h"

#include "product/vnni.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>

#define SNAPKV_Q4_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,f16c,fma")))

namespace snapkv::product {

namespace {

constexpr std::int64_t kBlock = 32;

constexpr std::int64_t kQuad = 4;  // blocks that one step takes

/// Four blocks of the input in the order in which the nibbles of four blocks of weights come: the low nibbles of each
/// hold a block's first half. Lane 4 b + i of a dot product sums values 4 i to 4 i + 3 of both halves of block b.
struct InputQuad {
    std::array<std::int8_t, 64> low;
    std::array<std::int8_t, 64> high;
    std::array<float, 16> scales;        ///< of each lane's block
    std::array<std::int32_t, 16> minus;  ///< -8 times the sum of the lane's values: Q4_0 stores x + 8
    std::array<float, 16> sums;          ///< of the lane's values, scaled: what Q4_1's offset multiplies
};

std::size_t prepared_bytes(std::int64_t depth) {
    return static_cast<std::size_t>((depth / kBlock + kQuad - 1) / kQuad) * sizeof(InputQuad);
}

/// Rounds block `index` of a quad to eight bits.
SNAPKV_Q4_TARGET void prepare_block(const float * input, std::size_t index, InputQuad & quad) {
    const __m512 first = _mm512_loadu_ps(input);
    const __m512 second = _mm512_loadu_ps(input + 16);
    const float most = greatest(first, second);
    const float inverse = inverse_scale(most);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(quad.low.data() + index * 16), round_to_bytes(first, inverse));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(quad.high.data() + index * 16), round_to_bytes(second, inverse));
    std::fill_n(quad.scales.begin() + static_cast<std::ptrdiff_t>(index) * 4, 4, most / 127.0F);
}

SNAPKV_Q4_TARGET void finish_quad(InputQuad & quad) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, _mm512_loadu_si512(quad.low.data()));
    sums = _mm512_dpbusd_epi32(sums, ones, _mm512_loadu_si512(quad.high.data()));
    _mm512_storeu_si512(quad.minus.data(), _mm512_mullo_epi32(sums, _mm512_set1_epi32(-8)));
    _mm512_storeu_ps(quad.sums.data(), _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(quad.scales.data())));
}

void prepare(ggml_type /*type*/, const float * input, std::int64_t depth, std::byte * prepared) {
    auto * quads = reinterpret_cast<InputQuad *>(prepared);
    const std::int64_t blocks = depth / kBlock;
    for (std::int64_t first = 0; first < blocks; first += kQuad, ++quads) {
        *quads = {};
        for (std::int64_t block = first; block < std::min(first + kQuad, blocks); ++block) {
            prepare_block(input + block * kBlock, static_cast<std::size_t>(block - first), *quads);
        }
        finish_quad(*quads);
    }
}

/// Bytes of a block, and whether a 16-bit offset stands between its 16-bit scale and its nibbles.
template <ggml_type kType>
struct Layout;
template <>
struct Layout<GGML_TYPE_Q4_0> {
    static constexpr int kBytes = 18;
    static constexpr bool kOffset = false;
};
template <>
struct Layout<GGML_TYPE_Q4_1> {
    static constexpr int kBytes = 20;
    static constexpr bool kOffset = true;
};

/// Where block b of a quad begins when blocks 0 and 1 were loaded into the first 64 bytes of a table, 2 and 3 into the
/// second.
template <ggml_type kType>
constexpr int block_begin(int block) {
    return block / 2 * 64 + block % 2 * Layout<kType>::kBytes;
}

/// For the 64 bytes of a result: which byte of that table.
template <ggml_type kType>
constexpr std::array<std::uint8_t, 64> nibble_bytes() {
    constexpr int kFirst = Layout<kType>::kOffset ? 4 : 2;
    std::array<std::uint8_t, 64> bytes{};
    for (int i = 0; i < 64; ++i) {
        bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(block_begin<kType>(i / 16) + kFirst + i % 16);
    }
    return bytes;
}

/// For 32 words: which word of the table holds the lane's scale; from word 16 on its offset.
template <ggml_type kType>
constexpr std::array<std::uint16_t, 32> scale_words() {
    std::array<std::uint16_t, 32> words{};
    for (int i = 0; i < 32; ++i) {
        const int offset = Layout<kType>::kOffset && i >= 16 ? 1 : 0;
        words[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(block_begin<kType>(i / 4 % 4) / 2 + offset);
    }
    return words;
}

/// The mask of the bytes of `blocks` blocks, 0 to 2. Never a byte beyond the row: it may be the last of the file.
template <ggml_type kType>
constexpr __mmask64 bytes_of(std::int64_t blocks) {
    return (__mmask64{1} << static_cast<unsigned>(std::clamp<std::int64_t>(blocks, 0, 2) * Layout<kType>::kBytes)) - 1;
}

// One row after the other streams best from memory; inputs that do not fit the first cache are better shared by several
// rows.
constexpr std::uint32_t kSharing = 4;
constexpr std::size_t kSmallInput = std::size_t{24} << 10U;
constexpr std::size_t kAhead = 4096;  // bytes that a single row's stream is fetched ahead

/// Inputs that are multiplied with a row while its quads are unpacked.
constexpr std::uint32_t kTogether = 4;

/// `Rows` rows of weights with `Inputs` inputs at once.
template <ggml_type kType, std::uint32_t Rows, std::uint32_t Inputs>
SNAPKV_Q4_TARGET void dot_rows(const WeightRows & of, std::uint32_t first_row, const PreparedInputs & inputs,
                               std::uint32_t first_input, float * out, std::size_t out_stride) {
    using Of = Layout<kType>;
    static constexpr auto kNibbles = nibble_bytes<kType>();
    static constexpr auto kWords = scale_words<kType>();
    const std::byte * weights = of.weights + first_row * of.row_bytes;
    const std::byte * prepared = inputs.prepared + first_input * inputs.stride;
    const __m512i nibbles = _mm512_loadu_si512(kNibbles.data());
    const __m512i words = _mm512_loadu_si512(kWords.data());
    const __m512i mask = _mm512_set1_epi8(0x0F);
    __m512 sums[Rows][Inputs];
    __m512 offsets[Rows][Inputs];
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t i = 0; i < Inputs; ++i) {
            sums[r][i] = _mm512_setzero_ps();
            offsets[r][i] = _mm512_setzero_ps();
        }
    }
    const std::size_t ahead = Rows == 1 ? kAhead : Rows * of.row_bytes;
    const std::int64_t blocks = of.depth / kBlock;
    for (std::int64_t block = 0; block < blocks; block += kQuad, prepared += sizeof(InputQuad)) {
        const __mmask64 first_bytes = bytes_of<kType>(blocks - block);
        const __mmask64 second_bytes = bytes_of<kType>(blocks - block - 2);
        for (std::uint32_t r = 0; r < Rows; ++r) {
            const std::byte * row = weights + r * of.row_bytes + block * Of::kBytes;
            _mm_prefetch(row + ahead, _MM_HINT_T0);
            const __m512i first = _mm512_maskz_loadu_epi8(first_bytes, row);
            const __m512i second = _mm512_maskz_loadu_epi8(second_bytes, row + 2 * Of::kBytes);
            const __m512i both = _mm512_permutex2var_epi8(first, nibbles, second);
            const __m512i factors = _mm512_permutex2var_epi16(first, words, second);
            const __m512i low = _mm512_and_si512(both, mask);
            const __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
            const __m512 scales = _mm512_cvtph_ps(_mm512_castsi512_si256(factors));
            for (std::uint32_t i = 0; i < Inputs; ++i) {
                const auto & input = *reinterpret_cast<const InputQuad *>(prepared + i * inputs.stride);
                __m512i dot = Of::kOffset ? _mm512_setzero_si512() : _mm512_loadu_si512(input.minus.data());
                dot = _mm512_dpbusd_epi32(dot, low, _mm512_loadu_si512(input.low.data()));
                dot = _mm512_dpbusd_epi32(dot, high, _mm512_loadu_si512(input.high.data()));
                const __m512 scale = _mm512_mul_ps(scales, _mm512_loadu_ps(input.scales.data()));
                sums[r][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, sums[r][i]);
                if constexpr (Of::kOffset) {
                    const __m512 offset = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(factors, 1));
                    offsets[r][i] = _mm512_fmadd_ps(offset, _mm512_loadu_ps(input.sums.data()), offsets[r][i]);
                }
            }
        }
    }
    for (std::uint32_t r = 0; r < Rows; ++r) {
        for (std::uint32_t i = 0; i < Inputs; ++i) {
            out[(first_input + i) * out_stride + first_row + r] =
                _mm512_reduce_add_ps(_mm512_add_ps(sums[r][i], offsets[r][i]));
        }
    }
}

/// `Rows` rows with all inputs.
template <ggml_type kType, std::uint32_t Rows>
void dot_inputs(const WeightRows & rows, std::uint32_t row, const PreparedInputs & inputs, float * out,
                std::size_t out_stride) {
    // Accumulators of more inputs would not stay in registers.
    constexpr std::uint32_t kAtOnce = Rows == 1 ? kTogether : 2;
    std::uint32_t input = 0;
    for (; input + kAtOnce <= inputs.count; input += kAtOnce) {
        dot_rows<kType, Rows, kAtOnce>(rows, row, inputs, input, out, out_stride);
    }
    for (; input < inputs.count; ++input) {
        dot_rows<kType, Rows, 1>(rows, row, inputs, input, out, out_stride);
    }
}

template <ggml_type kType>
void dot(const WeightRows & rows, const PreparedInputs & inputs, float * out, std::size_t out_stride) {
    const bool small = std::min(inputs.count, kTogether) * prepared_bytes(rows.depth) <= kSmallInput;
    std::uint32_t row = 0;
    for (; !small && row + kSharing <= rows.rows; row += kSharing) {
        dot_inputs<kType, kSharing>(rows, row, inputs, out, out_stride);
    }
    for (; row < rows.rows; ++row) {
        dot_inputs<kType, 1>(rows, row, inputs, out, out_stride);
    }
}

}  // namespace

const RowDot * q4_rows(ggml_type type) {
    static const bool has = has_vnni() && __builtin_cpu_supports("avx512vbmi") != 0;
    static const RowDot q4_0{prepared_bytes, prepare, dot<GGML_TYPE_Q4_0>};
    static const RowDot q4_1{prepared_bytes, prepare, dot<GGML_TYPE_Q4_1>};
    if (!has) {
        return nullptr;
    }
    return type == GGML_TYPE_Q4_0 ? &q4_0 : type == GGML_TYPE_Q4_1 ? &q4_1 : nullptr;
}

}  // namespace snapkv::product

#else

namespace snapkv::product {

const RowDot * q4_rows(ggml_type /*type*/) {
    return nullptr;
}

}  // namespace snapkv::product

#endif
