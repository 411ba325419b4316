// Codes of weights in vectors of 256 bits. With AVX2.
#pragma once

#include "base/x86_intrinsics.h"

#if defined(__x86_64__)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ggml.h"
#include "product/block_codes.h"
#include "product/targets.h"

namespace snapkv::product::avx2 {

// Beside what block_codes.h lists, a class has:
//   kSigned    codes are signed bytes; else unsigned ones of at most five bits (six: SixBitBlocks)
//   kZero      what stands for zero among unsigned codes; 0 where they have offsets

/// 128 values. Each half of a vector holds half a block: the first halves of blocks 0 and 1, their second halves, and
/// the same of blocks 2 and 3. Factors stand where sums do: two lanes each for blocks 0, 2, 1 and 3.
struct Codes {
    __m256i values[4];
    __m256 scales;
    __m256 offsets;
};

/// Where the factors of a block begin.
constexpr std::size_t factor_lane(std::size_t block) {
    return block % 2 * 4 + block / 2 * 2;
}

/// 16 bytes of each of two blocks, `bytes` apart, of which so many are there.
SNAPKV_INLINED_AVX2 __m256i pair_at(const std::byte * at, int bytes, std::int64_t there) {
    const auto load = [](const std::byte * from)
                          SNAPKV_AVX2_TARGET { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); };
    if (there >= 2) {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(load(at)), load(at + bytes), 1);
    }
    return there == 1 ? _mm256_zextsi128_si256(load(at)) : _mm256_setzero_si256();
}

SNAPKV_INLINED_AVX2 __m256i both_halves(const void * bytes) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i *>(bytes)));
}

/// Two 16-bit floats of each block, from what the pairs of blocks begin with.
SNAPKV_INLINED_AVX2 __m256 factors_of(__m256i first_pair, __m256i second_pair) {
    const __m256i first_words = _mm256_unpacklo_epi32(first_pair, second_pair);
    return _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(first_words, 0x08)));
}

template <ggml_type kType>
class NibbleBlocks {
    using Layout = NibbleLayout<kType>;
    static constexpr bool kFifth = Layout::kFifth;
    static constexpr int kHeader = Layout::kHeader;
    static constexpr int kBytes = Layout::kBytes;

public:
    static constexpr bool kOffsets = Layout::kOffsets;
    static constexpr bool kSigned = Layout::kLookUp;
    static constexpr int kZero = kOffsets || kSigned ? 0 : kFifth ? 16 : 8;
    static constexpr std::size_t kStepBytes = Layout::kStepBytes;

    SNAPKV_INLINED_AVX2 Codes step(const std::byte * row, std::int64_t step, std::int64_t blocks) const {
        const std::byte * at = row + step * kStepBlocks * kBytes;
        const __m256i headers[2] = {pair_at(at, kBytes, blocks), pair_at(at + 2 * kBytes, kBytes, blocks - 2)};
        const __m256 factors = factors_of(headers[0], headers[1]);
        Codes codes{{}, _mm256_moveldup_ps(factors), _mm256_movehdup_ps(factors)};
        const __m256i mask = _mm256_set1_epi8(0x0F);
        for (int pair = 0; pair < 2; ++pair) {
            const __m256i both = pair_at(at + 2 * pair * kBytes + Layout::kFirstNibble, kBytes, blocks - 2 * pair);
            __m256i & low = codes.values[2 * pair];
            __m256i & high = codes.values[2 * pair + 1];
            low = _mm256_and_si256(both, mask);
            high = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
            if constexpr (kFifth) {
                low = _mm256_or_si256(low, fifth_bits(headers[pair], kHeader));
                high = _mm256_or_si256(high, fifth_bits(headers[pair], kHeader + 2));
            }
            if constexpr (kSigned) {
                const __m256i numbers = both_halves(kNonLinear.data());
                low = _mm256_shuffle_epi8(numbers, low);
                high = _mm256_shuffle_epi8(numbers, high);
            }
        }
        return codes;
    }

private:
    /// 16 where a bit is set: of 16 bits from byte `from` on, in each half.
    SNAPKV_INLINED_AVX2 static __m256i fifth_bits(__m256i header, int from) {
        const __m256i byte_of_value = _mm256_setr_epi64x(0, 0x0101010101010101, 0, 0x0101010101010101);
        const __m256i bit_of_value = _mm256_set1_epi64x(static_cast<std::int64_t>(0x8040201008040201));
        const __m256i places = _mm256_add_epi8(byte_of_value, _mm256_set1_epi8(static_cast<char>(from)));
        const __m256i bits = _mm256_and_si256(_mm256_shuffle_epi8(header, places), bit_of_value);
        return _mm256_and_si256(_mm256_cmpeq_epi8(bits, bit_of_value), _mm256_set1_epi8(0x10));
    }
};

/// Blocks of a 16-bit scale and 32 signed bytes.
class ByteBlocks {
    static constexpr int kBytes = 34;

public:
    static constexpr std::size_t kStepBytes = kStepBlocks * kBytes;
    static constexpr bool kOffsets = false;
    static constexpr bool kSigned = true;
    static constexpr int kZero = 0;

    SNAPKV_INLINED_AVX2 Codes step(const std::byte * row, std::int64_t step, std::int64_t blocks) const {
        const std::byte * at = row + step * kStepBlocks * kBytes;
        const std::byte * other = at + 2 * kBytes;
        const __m256 factors = factors_of(pair_at(at, kBytes, blocks), pair_at(other, kBytes, blocks - 2));
        return {{pair_at(at + 2, kBytes, blocks), pair_at(at + 18, kBytes, blocks),
                 pair_at(other + 2, kBytes, blocks - 2), pair_at(other + 18, kBytes, blocks - 2)},
                _mm256_moveldup_ps(factors),
                _mm256_setzero_ps()};
    }
};

template <ggml_type kType>
class SuperBlocks {
    using Layout = SuperLayout<kType>;
    static constexpr bool kFifth = Layout::kFifth;
    static constexpr int kHeader = Layout::kHeader;
    static constexpr int kFirstNibble = Layout::kFirstNibble;
    static constexpr int kBytes = Layout::kBytes;

public:
    static constexpr std::size_t kStepBytes = Layout::kStepBytes;
    static constexpr bool kOffsets = Layout::kOffsets;
    static constexpr bool kSigned = false;
    static constexpr int kZero = 0;

    SNAPKV_INLINED_AVX2 Codes step(const std::byte * row, std::int64_t step, std::int64_t /*blocks*/) const {
        const std::byte * block = row + step / 2 * kBytes;
        const unsigned part = static_cast<unsigned>(step) % 2;
        const std::byte * nibbles = block + kFirstNibble + part * 64;
        const __m256i high_in_upper = _mm256_setr_epi64x(0, 0, 4, 4);
        Codes codes;
        for (int i = 0; i < 4; ++i) {
            codes.values[i] = _mm256_and_si256(_mm256_srlv_epi64(both_halves(nibbles + 16 * i), high_in_upper),
                                               _mm256_set1_epi8(0xF));
        }
        if constexpr (kFifth) {
            // Of each byte of fifth bits, bit b belongs to block b.
            const __m128i of_part = _mm_cvtsi32_si128(static_cast<int>(part * 4));
            const __m256i bits[2] = {_mm256_srl_epi16(both_halves(block + kHeader), of_part),
                                     _mm256_srl_epi16(both_halves(block + kHeader + 16), of_part)};
            const __m256i to_fifth[2] = {_mm256_setr_epi64x(4, 4, 3, 3), _mm256_setr_epi64x(2, 2, 1, 1)};
            for (int i = 0; i < 4; ++i) {
                const __m256i fifth =
                    _mm256_and_si256(_mm256_sllv_epi64(bits[i % 2], to_fifth[i / 2]), _mm256_set1_epi8(0x10));
                codes.values[i] = _mm256_or_si256(codes.values[i], fifth);
            }
        }
        const Sixes sixes = sixes_of(block + 4, part);
        const __m128i places = _mm_setr_epi8(0, 0, 2, 2, 1, 1, 3, 3, 4, 4, 6, 6, 5, 5, 7, 7);
        const __m128i bytes = _mm_shuffle_epi8(
            _mm_cvtsi64_si128(static_cast<std::int64_t>(sixes.scales | std::uint64_t{sixes.offsets} << 32U)), places);
        std::int32_t stored = 0;
        std::memcpy(&stored, block, sizeof(stored));
        const __m128 factors = _mm_cvtph_ps(_mm_cvtsi32_si128(stored));
        codes.scales = _mm256_mul_ps(_mm256_broadcastss_ps(factors), widen(bytes));
        codes.offsets = _mm256_mul_ps(_mm256_broadcastss_ps(_mm_sub_ps(_mm_setzero_ps(), _mm_movehdup_ps(factors))),
                                      widen(_mm_srli_si128(bytes, 8)));
        return codes;
    }

private:
    SNAPKV_INLINED_AVX2 static __m256 widen(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)); }
};

class SixBitBlocks {
    using Layout = SixBitLayout;

public:
    static constexpr std::size_t kStepBytes = Layout::kStepBytes;
    static constexpr bool kOffsets = Layout::kOffsets;
    static constexpr bool kSigned = false;
    static constexpr int kZero = 32;

    struct Codes {
        __m256i values[4];
        __m256i multipliers[4];  ///< of each vector's values: the scales, in 16 bits
        __m256i of_sums;         ///< what the sums of half blocks are multiplied by, in 16 bits
        __m256 scale;
    };

    SNAPKV_INLINED_AVX2 Codes step(const std::byte * row, std::int64_t step, std::int64_t /*blocks*/) const {
        const std::byte * block = row + step / 2 * Layout::kBytes;
        const std::int64_t part = step % 2;
        const __m256i nibble = _mm256_set1_epi8(0x0F);
        const __m256i upper = _mm256_set1_epi8(0x30);
        Codes codes;
        for (int half = 0; half < 2; ++half) {
            const __m256i both = pair_at(block + part * 64 + half * 16, 32, 2);
            const __m256i bits = both_halves(block + Layout::kUpperBits + part * 32 + half * 16);
            const __m256i of_first = _mm256_sllv_epi64(bits, _mm256_setr_epi64x(4, 4, 2, 2));
            const __m256i of_second = _mm256_srlv_epi64(bits, _mm256_setr_epi64x(0, 0, 2, 2));
            codes.values[half] = _mm256_or_si256(_mm256_and_si256(both, nibble), _mm256_and_si256(of_first, upper));
            codes.values[2 + half] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both, 4), nibble),
                                                     _mm256_and_si256(of_second, upper));
        }
        const __m256i scales = _mm256_broadcastsi128_si256(
            _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(block + Layout::kScales + part * 8))));
        // Blocks 0 and 1 have the first four.
        const __m256i word = _mm256_set1_epi16(0x0100);
        const __m256i of_lower = _mm256_inserti128_si256(word, _mm_set1_epi16(0x0504), 1);
        for (int i = 0; i < 4; ++i) {
            const auto from = static_cast<char>(i / 2 * 8 + i % 2 * 2);
            codes.multipliers[i] = _mm256_shuffle_epi8(scales, _mm256_add_epi8(of_lower, _mm256_set1_epi8(from)));
        }
        // As the sums stand: two of block 0, nothing twice, two of block 2; then of blocks 1 and 3.
        const __m256i at_sums = _mm256_permutevar8x32_epi32(scales, _mm256_setr_epi32(0, 0, 2, 2, 1, 1, 3, 3));
        codes.of_sums = _mm256_slli_epi16(at_sums, 5);
        std::uint16_t factor = 0;
        std::memcpy(&factor, block + Layout::kFactor, sizeof(factor));
        codes.scale = _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(factor)));
        return codes;
    }
};

}  // namespace snapkv::product::avx2

#endif
