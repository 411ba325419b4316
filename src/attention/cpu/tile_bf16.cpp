#include "attention/cpu/tile_steps.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cassert>
#include <cstring>

#include "attention/cpu/instruction_sets.h"
#include "attention/cpu/tile.h"
#include "base/x86_intrinsics.h"
#include "hwy/base.h"
#include "kv/anchor.h"

// What follows is compiled for these instructions alone; nothing of it runs before bf16_steps() has asked for them.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace snapkv::attention::cpu {

namespace {

constexpr std::uint32_t kTileRows = 256;
static_assert(kv::kAnchorRows % kTileRows == 0);
constexpr std::uint32_t kPanel = 64;
constexpr std::uint32_t kRowStep = 6;
constexpr std::uint32_t kLanes = 16;
/// A row's reference follows its greatest logit only when that is so much greater: weights of up to 2^8 are as exact
/// as those below 1, and the values are seldom rescaled.
constexpr float kSlack = 8;

/// The low `count` bits, all for 32 or more.
std::uint32_t low_bits(std::size_t count) {
    return count >= 32 ? 0xFFFFFFFFU : (1U << count) - 1U;
}

// Elements are moved as 16-bit integers; the type of bfloat16 vectors is for the products only.
__m512bh as_bf16(__m512i x) {
    return reinterpret_cast<__m512bh>(x);
}

/// 16 stored elements from `at` on as floats, zero beyond the row's size.
template <KvType kType>
__m512 load16(const std::byte * row, std::size_t at, std::size_t size) {
    const std::uint32_t mask = at >= size ? 0 : low_bits(size - at);
    if constexpr (kType == KvType::F32) {
        return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), reinterpret_cast<const float *>(row) + at);
    } else {
        const __m256i bits = _mm256_maskz_loadu_epi16(static_cast<__mmask16>(mask), row + at * 2);
        if constexpr (kType == KvType::F16) {
            return _mm512_cvtph_ps(bits);
        } else {
            return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
        }
    }
}

/// 32 stored elements from `at` on, rounded to bfloat16.
template <KvType kType>
__m512i load32(const std::byte * row, std::size_t at, std::size_t size) {
    if constexpr (kType == KvType::BF16) {
        return _mm512_maskz_loadu_epi16(at >= size ? 0 : low_bits(size - at), row + at * 2);
    } else {
        return reinterpret_cast<__m512i>(
            _mm512_cvtne2ps_pbh(load16<kType>(row, at + kLanes, size), load16<kType>(row, at, size)));
    }
}

/// Transposes 16 x 16 elements of 32 bits.
void transpose(__m512i (&rows)[kLanes]) {
    __m512i pairs[kLanes];
    for (std::size_t i = 0; i < kLanes; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // Each 128-bit quarter of rows[4 g + c]: column c of that quarter, of the four rows of group g.
    for (std::size_t g = 0; g < kLanes; g += 4) {
        rows[g] = _mm512_unpacklo_epi64(pairs[g], pairs[g + 2]);
        rows[g + 1] = _mm512_unpackhi_epi64(pairs[g], pairs[g + 2]);
        rows[g + 2] = _mm512_unpacklo_epi64(pairs[g + 1], pairs[g + 3]);
        rows[g + 3] = _mm512_unpackhi_epi64(pairs[g + 1], pairs[g + 3]);
    }
    for (std::size_t c = 0; c < 4; ++c) {
        pairs[c] = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0x88);
        pairs[4 + c] = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0xDD);
        pairs[8 + c] = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0x88);
        pairs[12 + c] = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0xDD);
    }
    for (std::size_t c = 0; c < 4; ++c) {
        rows[c] = _mm512_shuffle_i32x4(pairs[c], pairs[8 + c], 0x88);
        rows[8 + c] = _mm512_shuffle_i32x4(pairs[c], pairs[8 + c], 0xDD);
        rows[4 + c] = _mm512_shuffle_i32x4(pairs[4 + c], pairs[12 + c], 0x88);
        rows[12 + c] = _mm512_shuffle_i32x4(pairs[4 + c], pairs[12 + c], 0xDD);
    }
}

void PackQuery(const float * row, std::uint32_t size, float factor, std::byte * to) {
    const __m512 by = _mm512_set1_ps(factor);
    const auto * from = reinterpret_cast<const std::byte *>(row);
    for (std::size_t at = 0; at < padded(size); at += kLanes) {
        const __m512 x = _mm512_mul_ps(load16<KvType::F32>(from, at, size), by);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + at * 2), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
    }
}

/// Panels of [pairs of elements][kPanel keys][2]: a product of a pair of query elements with 16 keys is one
/// instruction.
template <KvType kType>
void pack_keys(const StoredRows & keys, std::byte * to) {
    const std::size_t pairs = (std::size_t{keys.size} + 1) / 2;
    for (std::size_t panel = 0; panel < keys.rows; panel += kPanel) {
        for (std::size_t group = panel; group < panel + kPanel; group += kLanes) {
            for (std::size_t pair = 0; pair < pairs; pair += kLanes) {
                __m512i rows[kLanes];
                for (std::size_t i = 0; i < kLanes; ++i) {
                    rows[i] = group + i < keys.rows ? load32<kType>(keys.row(group + i), pair * 2, keys.size)
                                                    : _mm512_setzero_si512();
                }
                transpose(rows);
                std::byte * column = to + ((panel / kPanel * pairs + pair) * kPanel + group - panel) * 4;
                for (std::size_t i = 0; i < std::min<std::size_t>(kLanes, pairs - pair); ++i) {
                    _mm512_storeu_si512(column + i * kPanel * 4, rows[i]);
                }
            }
        }
    }
}

void PackKeys(const StoredRows & keys, std::byte * to) {
    switch (keys.type) {
        case KvType::F32:
            pack_keys<KvType::F32>(keys, to);
            break;
        case KvType::F16:
            pack_keys<KvType::F16>(keys, to);
            break;
        case KvType::BF16:
            pack_keys<KvType::BF16>(keys, to);
            break;
        case KvType::Q8_0:
        case KvType::Q4_0:
            assert(false);
            break;
    }
}

/// How `vectors` of 16 columns are worked on: in slices of at most 4 and of nearly the same width.
struct Slices {
    explicit Slices(std::size_t vectors) : vectors_(vectors), count((vectors + 3) / 4) {}
    [[nodiscard]] std::size_t begin(std::size_t slice) const { return slice * vectors_ / count; }

private:
    std::size_t vectors_;

public:
    std::size_t count;
};

/// Slices of [pairs of rows][columns][2]. Rows are read whole, one pair after the other, as they lie in memory.
template <KvType kType>
void pack_values(const StoredRows & values, std::byte * to) {
    // From [16 of one row, 16 of the next] to pairs.
    alignas(64) static constexpr std::uint16_t kInterleave[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                                  21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                                  11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i interleave = _mm512_load_si512(kInterleave);
    const Slices slices(padded(values.size) / kLanes);
    for (std::size_t row = 0; row < kTileRows; row += 2) {
        for (std::size_t slice = 0; slice < slices.count; ++slice) {
            const std::size_t first = slices.begin(slice);
            const std::size_t vectors = slices.begin(slice + 1) - first;
            std::byte * columns = to + (first * kTileRows / 2 + row / 2 * vectors) * 64;
            for (std::size_t vector = first; vector < first + vectors; ++vector, columns += 64) {
                const std::size_t at = vector * kLanes;
                __m512i pair = _mm512_setzero_si512();
                if (row < values.rows) {
                    const __m512 low = load16<kType>(values.row(row), at, values.size);
                    const __m512 high = row + 1 < values.rows ? load16<kType>(values.row(row + 1), at, values.size)
                                                              : _mm512_setzero_ps();
                    pair = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
                }
                _mm512_storeu_si512(columns, _mm512_permutexvar_epi16(interleave, pair));
            }
        }
    }
}

void PackValues(const StoredRows & values, std::byte * to) {
    switch (values.type) {
        case KvType::F32:
            pack_values<KvType::F32>(values, to);
            break;
        case KvType::F16:
            pack_values<KvType::F16>(values, to);
            break;
        case KvType::BF16:
            pack_values<KvType::BF16>(values, to);
            break;
        case KvType::Q8_0:
        case KvType::Q4_0:
            assert(false);
            break;
    }
}

/// C [kRowStep][16 kVectors] = (C +) A B: rows of A, in pairs of elements, lie a_stride bytes apart; B is
/// [pairs][16 kVectors][2].
template <std::size_t kVectors, bool kAccumulate>
void multiply(const std::byte * a, std::size_t a_stride, const std::byte * b, std::size_t b_stride, float * c,
              std::size_t c_stride, std::size_t pairs) {
    __m512 sums[kRowStep][kVectors];
    for (std::size_t r = 0; r < kRowStep; ++r) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            sums[r][v] = kAccumulate ? _mm512_loadu_ps(c + r * c_stride + v * kLanes) : _mm512_setzero_ps();
        }
    }
    std::size_t k = 0;
    do {  // never none: what would be read of `sums` before the loop would have to lie in memory
        __m512i columns[kVectors];
        for (std::size_t v = 0; v < kVectors; ++v) {
            columns[v] = _mm512_loadu_si512(b + k * b_stride + v * 64);
        }
        for (std::size_t r = 0; r < kRowStep; ++r) {
            std::int32_t pair = 0;
            std::memcpy(&pair, a + r * a_stride + k * 4, 4);
            const __m512i factors = _mm512_set1_epi32(pair);
            for (std::size_t v = 0; v < kVectors; ++v) {
                sums[r][v] = _mm512_dpbf16_ps(sums[r][v], as_bf16(factors), as_bf16(columns[v]));
            }
        }
    } while (++k < pairs);
    for (std::size_t r = 0; r < kRowStep; ++r) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            _mm512_storeu_ps(c + r * c_stride + v * kLanes, sums[r][v]);
        }
    }
}

void Logits(const Strip & strip, const std::byte * keys, std::uint32_t key_size) {
    const std::size_t pairs = (std::size_t{key_size} + 1) / 2;
    const std::size_t stride = padded(key_size) * 2;
    for (std::size_t column = strip.first; column < strip.last; column += kPanel) {
        for (std::size_t row = 0; row < strip.rows; row += kRowStep) {
            multiply<4, false>(strip.queries + row * stride, stride, keys + column * pairs * 4, kPanel * 4,
                               strip.logits + row * kTileRows + column, kTileRows, pairs);
        }
    }
}

/// 2^x for x up to some tens, within 8e-5: less than the rounding to bfloat16 that follows.
__m512 exp2(__m512 x) {
    const __m512 fraction = _mm512_reduce_ps(x, 0x01);  // from the next integer below
    __m512 p = _mm512_set1_ps(0.0780245215F);
    p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.226067156F));
    p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.695833564F));
    p = _mm512_fmadd_ps(p, fraction, _mm512_set1_ps(0.999925196F));
    return _mm512_scalef_ps(p, x);
}

float exp2(float x) {
    return _mm512_cvtss_f32(exp2(_mm512_set1_ps(x)));
}

/// Moves a row's softmax to a greater reference.
void raise_reference(const Strip & strip, std::size_t row, float reference) {
    const __m512 factor = _mm512_set1_ps(exp2(strip.reference[row] - reference));
    float * sum = strip.sums + row * kSumParts;
    _mm512_storeu_ps(sum, _mm512_mul_ps(_mm512_loadu_ps(sum), factor));
    float * values = strip.values + row * strip.value_stride;
    for (std::size_t at = 0; at < strip.value_stride; at += kLanes) {
        _mm512_storeu_ps(values + at, _mm512_mul_ps(_mm512_loadu_ps(values + at), factor));
    }
    strip.reference[row] = reference;
}

void weigh_row(const Strip & strip, std::size_t row) {
    float * logits = strip.logits + row * kTileRows;
    auto * weights = reinterpret_cast<std::byte *>(logits);
    __m512 greatest = _mm512_set1_ps(kNothingSeen);
    for (std::size_t at = strip.first; at < strip.last; at += kLanes) {
        greatest = _mm512_max_ps(greatest, _mm512_loadu_ps(logits + at));
    }
    if (_mm512_cmp_ps_mask(greatest, _mm512_set1_ps(strip.reference[row] + kSlack), _CMP_GT_OQ) != 0) {
        raise_reference(strip, row, _mm512_reduce_max_ps(greatest));
    }
    const __m512 reference = _mm512_set1_ps(strip.reference[row]);
    const __m512bh ones = as_bf16(_mm512_set1_epi16(0x3F80));
    __m512 sum = _mm512_loadu_ps(strip.sums + row * kSumParts);
    for (std::size_t at = strip.first; at < strip.last; at += 2 * kLanes) {
        const __m512 low = exp2(_mm512_sub_ps(_mm512_loadu_ps(logits + at), reference));
        const __m512 high = exp2(_mm512_sub_ps(_mm512_loadu_ps(logits + at + kLanes), reference));
        const __m512bh pair = _mm512_cvtne2ps_pbh(high, low);
        sum = _mm512_dpbf16_ps(sum, pair, ones);
        _mm512_storeu_si512(weights + at * 2, reinterpret_cast<__m512i>(pair));
    }
    _mm512_storeu_ps(strip.sums + row * kSumParts, sum);
}

void Weigh(const Strip & strip) {
    for (std::size_t row = 0; row < strip.rows; ++row) {
        const std::size_t begin = std::clamp(strip.begin[row], strip.first, strip.last);
        const std::size_t end = std::clamp(strip.end[row], strip.first, strip.last);
        float * logits = strip.logits + row * kTileRows;
        if (begin >= end) {
            std::memset(reinterpret_cast<std::byte *>(logits) + std::size_t{strip.first} * 2, 0,
                        std::size_t{strip.last - strip.first} * 2);
            continue;
        }
        std::fill(logits + strip.first, logits + begin, kNothingSeen);
        std::fill(logits + end, logits + strip.last, kNothingSeen);
        weigh_row(strip, row);
    }
}

void Accumulate(const Strip & strip, const std::byte * values, std::uint32_t value_size) {
    const Slices slices(padded(value_size) / kLanes);
    const std::size_t pairs = (strip.last - strip.first) / 2;
    for (std::size_t slice = 0; slice < slices.count; ++slice) {
        const std::size_t first = slices.begin(slice);
        const std::size_t vectors = slices.begin(slice + 1) - first;
        const std::byte * b = values + first * kTileRows / 2 * 64 + strip.first / 2 * vectors * 64;
        for (std::size_t row = 0; row < strip.rows; row += kRowStep) {
            const std::byte * a =
                reinterpret_cast<const std::byte *>(strip.logits + row * kTileRows) + std::size_t{strip.first} * 2;
            float * c = strip.values + row * strip.value_stride + first * kLanes;
            switch (vectors) {
                case 1:
                    multiply<1, true>(a, kTileRows * 4, b, 64, c, strip.value_stride, pairs);
                    break;
                case 2:
                    multiply<2, true>(a, kTileRows * 4, b, 128, c, strip.value_stride, pairs);
                    break;
                case 3:
                    multiply<3, true>(a, kTileRows * 4, b, 192, c, strip.value_stride, pairs);
                    break;
                default:
                    multiply<4, true>(a, kTileRows * 4, b, 256, c, strip.value_stride, pairs);
            }
        }
    }
}

constexpr TileSteps kSteps{.tile = kTileRows,
                           .panel = kPanel,
                           .row_step = kRowStep,
                           .element = 2,
                           .pack_query = PackQuery,
                           .pack_keys = PackKeys,
                           .pack_values = PackValues,
                           .logits = Logits,
                           .weigh = Weigh,
                           .accumulate = Accumulate};

}  // namespace

}  // namespace snapkv::attention::cpu

HWY_POP_ATTRIBUTES

namespace snapkv::attention::cpu {

const TileSteps * bf16_steps() {
    return has_bf16() ? &kSteps : nullptr;
}

}  // namespace snapkv::attention::cpu

#else

namespace snapkv::attention::cpu {

const TileSteps * bf16_steps() {
    return nullptr;
}

}  // namespace snapkv::attention::cpu

#endif
