#include "product/block_rows.h"

#include "product/block_codes.h"
#include "product/byte_blocks.h"
#include "product/instruction_sets.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <utility>

namespace snapkv::product {

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

std::int64_t steps_of(std::int64_t depth) {
    return (depth / kCodeBlock + kStepBlocks - 1) / kStepBlocks;
}

std::size_t prepared_bytes(std::int64_t depth) {
    return static_cast<std::size_t>(steps_of(depth)) * sizeof(InputStep);
}

SNAPKV_BLOCKS_TARGET void prepare_block(const float * input, std::size_t block, const CodeOrder & order, int zero,
                                        InputStep & step) {
    const float most = greatest(input);
    const __m256i rounded = round_to_bytes(input, inverse_scale(most));
    std::array<std::int8_t, 32> bytes;
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(bytes.data()), rounded);
    for (std::size_t i = 0; i < 4; ++i) {
        std::memcpy(step.low.data() + 16 * i + 4 * block, bytes.data() + order[i], 4);
        std::memcpy(step.high.data() + 16 * i + 4 * block, bytes.data() + order[4 + i], 4);
    }
    const __m256i quads = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), rounded);
    const __m128i pairs = _mm_hadd_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
    const __m128i halves = _mm_hadd_epi32(pairs, pairs);
    const int of_first = _mm_cvtsi128_si32(halves);
    const int of_second = _mm_extract_epi32(halves, 1);
    step.scales[block] = most / 127.0F;
    step.sums[block] = step.scales[block] * static_cast<float>(of_first + of_second);
    step.minus[block] = -zero * of_first;
    step.minus[4 + block] = -zero * of_second;
}

template <typename Blocks>
void prepare(ggml_type /*type*/, const float * input, std::int64_t depth, std::byte * prepared) {
    auto * steps = reinterpret_cast<InputStep *>(prepared);
    const std::int64_t blocks = depth / kCodeBlock;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const auto index = static_cast<std::size_t>(block % kStepBlocks);
        InputStep & step = steps[block / kStepBlocks];
        if (index == 0) {
            step = {};
        }
        prepare_block(input + block * kCodeBlock, index, Blocks::kOrder, Blocks::kZero, step);
    }
}

/// Rows of weights whose sums leave the registers together.
constexpr std::uint32_t kRowsAtOnce = 16;
/// Inputs whose sums stay in registers together.
constexpr std::uint32_t kInputsAtOnce = 8;
/// Of all inputs at once, what is to stay in the first cache while rows of weights go by.
constexpr std::size_t kPieceBytes = std::size_t{24} << 10U;
/// Bytes of weights that are fetched ahead.
constexpr std::size_t kAhead = 4096;

/// A vector of partial sums for each row of weights and input.
struct Sums {
    __m512 of[kRowsAtOnce][kInputsAtOnce];
};

/// Steps [begin, end) of the depth, and how far ahead of them the next weights lie.
struct Piece {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::size_t ahead = 0;
};

/// Adds a row's products with kInputs inputs to their sums, over one piece of the depth.
template <typename Blocks, std::uint32_t kInputs>
SNAPKV_BLOCKS_TARGET inline void add_piece(const Blocks & unpack, const std::byte * row, std::int64_t row_blocks,
                                           const Piece & piece, const std::byte * prepared, std::size_t stride,
                                           __m512 * sums) {
    __m512 sum[kInputs];
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        sum[i] = sums[i];
    }
    const auto add = [&](std::int64_t step, std::int64_t blocks) __attribute__((always_inline)) SNAPKV_BLOCKS_TARGET {
        const Codes codes = unpack.step(row, step, blocks);
        for (std::uint32_t i = 0; i < kInputs; ++i) {
            const auto & input = *reinterpret_cast<const InputStep *>(
                prepared + i * stride + static_cast<std::size_t>(step) * sizeof(InputStep));
            __m512i dot = _mm512_setzero_si512();
            if constexpr (Blocks::kZero != 0) {
                dot = _mm512_zextsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(input.minus.data())));
            }
            dot = _mm512_dpbusd_epi32(dot, codes.low, _mm512_loadu_si512(input.low.data()));
            dot = _mm512_dpbusd_epi32(dot, codes.high, _mm512_loadu_si512(input.high.data()));
            const __m512 scales =
                _mm512_mul_ps(codes.scales, _mm512_broadcast_f32x4(_mm_loadu_ps(input.scales.data())));
            sum[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scales, sum[i]);
            if constexpr (Blocks::kOffsets) {
                sum[i] =
                    _mm512_fmadd_ps(codes.offsets, _mm512_zextps128_ps512(_mm_loadu_ps(input.sums.data())), sum[i]);
            }
        }
    };
    const std::byte * ahead = row + static_cast<std::size_t>(piece.begin) * Blocks::kStepBytes + piece.ahead;
    const std::int64_t whole = std::min(piece.end, row_blocks / kStepBlocks);
    for (std::int64_t step = piece.begin; step < whole; ++step) {
        for (std::size_t line = 0; line < Blocks::kStepBytes; line += 64) {
            _mm_prefetch(ahead + line, _MM_HINT_T0);
        }
        ahead += Blocks::kStepBytes;
        add(step, kStepBlocks);
    }
    if (whole < piece.end) {
        add(whole, row_blocks % kStepBlocks);
    }
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        sums[i] = sum[i];
    }
}

/// Adds up pairs of neighbouring quarters: two of x, then two of y.
SNAPKV_BLOCKS_TARGET inline __m512 fold(__m512 x, __m512 y) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xDD));
}

/// The sums of the lanes of sixteen vectors, which are added up in the same order for each.
SNAPKV_BLOCKS_TARGET inline __m512 lane_sums(const Sums & sums, std::uint32_t input) {
    __m512 four[4];
    for (std::size_t group = 0; group < 4; ++group) {
        const __m512 a = sums.of[group * 4][input];
        const __m512 b = sums.of[group * 4 + 1][input];
        const __m512 c = sums.of[group * 4 + 2][input];
        const __m512 d = sums.of[group * 4 + 3][input];
        const __m512d ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
        const __m512d cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
        four[group] =
            _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)));
    }
    return fold(fold(four[0], four[1]), fold(four[2], four[3]));
}

/// `count` rows from `first_row` on with kInputs inputs from `first_input` on.
template <typename Blocks, std::uint32_t kInputs>
SNAPKV_BLOCKS_TARGET void dot_group(const WeightRows & of, std::uint32_t first_row, std::uint32_t count,
                                    const PreparedInputs & inputs, std::uint32_t first_input, float * out,
                                    std::size_t out_stride) {
    const Blocks unpack;
    const std::byte * prepared = inputs.prepared + first_input * inputs.stride;
    const std::int64_t steps = steps_of(of.depth);
    constexpr std::int64_t kSteps = kPieceBytes / (sizeof(InputStep) * kInputs);
    Sums sums;
    for (auto & of_row : sums.of) {
        std::fill_n(of_row, kInputs, _mm512_setzero_ps());
    }
    for (std::int64_t begin = 0; begin < steps; begin += kSteps) {
        const std::int64_t end = std::min(begin + kSteps, steps);
        const std::size_t ahead = end - begin == steps ? kAhead : 4 * of.row_bytes;
        for (std::uint32_t r = 0; r < count; ++r) {
            add_piece<Blocks, kInputs>(unpack, of.weights + (first_row + r) * of.row_bytes, of.depth / kCodeBlock,
                                       {begin, end, ahead}, prepared, inputs.stride, sums.of[r]);
        }
    }
    const auto there = static_cast<__mmask16>((1U << count) - 1U);
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        _mm512_mask_storeu_ps(out + (first_input + i) * out_stride + first_row, there, lane_sums(sums, i));
    }
}

using DotGroup = void (*)(const WeightRows &, std::uint32_t, std::uint32_t, const PreparedInputs &, std::uint32_t,
                          float *, std::size_t);

template <typename Blocks, std::uint32_t... kCounts>
constexpr std::array<DotGroup, sizeof...(kCounts)> dot_groups(
    std::integer_sequence<std::uint32_t, kCounts...> /*counts*/) {
    return {dot_group<Blocks, kCounts + 1>...};
}

/// Inputs in groups as even as can be: the rows of weights that a group has fetched are near for the next.
template <typename Blocks>
void dot(const WeightRows & rows, const PreparedInputs & inputs, float * out, std::size_t out_stride) {
    static constexpr auto kGroups = dot_groups<Blocks>(std::make_integer_sequence<std::uint32_t, kInputsAtOnce>());
    const std::uint32_t groups = (inputs.count + kInputsAtOnce - 1) / kInputsAtOnce;
    for (std::uint32_t row = 0; row < rows.rows; row += kRowsAtOnce) {
        const std::uint32_t count = std::min(kRowsAtOnce, rows.rows - row);
        for (std::uint32_t group = 0; group < groups; ++group) {
            const std::uint32_t first = inputs.count * group / groups;
            const std::uint32_t end = inputs.count * (group + 1) / groups;
            kGroups[end - first - 1](rows, row, count, inputs, first, out, out_stride);
        }
    }
}

template <typename Blocks>
constexpr RowDot kRowDot{prepared_bytes, prepare<Blocks>, dot<Blocks>};

}  // namespace

const RowDot * block_rows(ggml_type type) {
    static const bool has_vbmi = __builtin_cpu_supports("avx512vbmi") != 0;
    if (instruction_set() != InstructionSet::Avx512Vnni || !has_vbmi) {
        return nullptr;
    }
    switch (type) {
        case GGML_TYPE_Q4_0:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q4_0>>;
        case GGML_TYPE_Q4_1:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q4_1>>;
        case GGML_TYPE_Q5_0:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q5_0>>;
        case GGML_TYPE_Q5_1:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q5_1>>;
        case GGML_TYPE_IQ4_NL:
            return &kRowDot<NibbleBlocks<GGML_TYPE_IQ4_NL>>;
        case GGML_TYPE_Q8_0:
            return &kRowDot<ByteBlocks>;
        case GGML_TYPE_Q4_K:
            return &kRowDot<SuperBlocks<GGML_TYPE_Q4_K>>;
        case GGML_TYPE_Q5_K:
            return &kRowDot<SuperBlocks<GGML_TYPE_Q5_K>>;
        case GGML_TYPE_Q6_K:
            return &kRowDot<SixBitBlocks>;
        default:
            return nullptr;
    }
}

}  // namespace snapkv::product

#else

namespace snapkv::product {

const RowDot * block_rows(ggml_type /*type*/) {
    return nullptr;
}

}  // namespace snapkv::product

#endif
