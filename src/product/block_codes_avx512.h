// Codes of weights in vectors of 512 bits. With AVX-512 VBMI.
#pragma once

#include "base/x86_intrinsics.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ggml.h"
#include "product/block_codes.h"

#define SNAPKV_BLOCKS_TARGET \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,f16c,fma")))

namespace snapkv::product::avx512 {

// Beside what block_codes.h lists, a class has:
//   kZero      what stands for zero among the codes; 0 where they have offsets
//   kOrder     where values stand in the two vectors

/// Where a step's values stand in two vectors. Lane 4 i + b of both has values of block b, four to a lane; what is
/// written here are the lanes' first values within the block, for i = 0 to 3, of the lower vector, then of the higher.
using CodeOrder = std::array<std::uint8_t, 8>;
/// Each vector has one half of a block.
inline constexpr CodeOrder kHalves{0, 4, 8, 12, 16, 20, 24, 28};
/// Both lanes are of one half, as they must where halves have scales of their own: even i the first, odd i the second.
inline constexpr CodeOrder kPairs{0, 16, 8, 24, 4, 20, 12, 28};

/// 128 values: scale * (code - zero) or scale * code + offset, by type.
struct Codes {
    __m512i low;  ///< unsigned bytes
    __m512i high;
    __m512 scales;   ///< of each lane
    __m512 offsets;  ///< of each block, in the first four lanes; zero in the others
};

/// The mask of the first `bytes` bytes of a vector.
constexpr __mmask64 byte_mask(std::int64_t bytes) {
    return bytes <= 0 ? 0 : bytes >= 64 ? ~__mmask64{0} : (__mmask64{1} << static_cast<unsigned>(bytes)) - 1;
}

/// Where byte `at` of block b is when two blocks of `bytes` bytes lie at the start of each of two vectors.
constexpr int byte_in_pair(int bytes, int block, int at) {
    return block / 2 * 64 + block % 2 * bytes + at;
}

/// Of which byte of a block each byte of a vector is made: body(first value of the lane, which of its four).
template <typename Body>
constexpr std::array<std::uint8_t, 64> byte_table(int bytes, int half, const Body & body) {
    std::array<std::uint8_t, 64> table{};
    for (int i = 0; i < 64; ++i) {
        const int value = kHalves[static_cast<std::size_t>(half) * 4 + static_cast<std::size_t>(i) / 16] + i % 4;
        table[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(byte_in_pair(bytes, i / 4 % 4, body(value)));
    }
    return table;
}

/// Of which 16-bit word the lanes' scales are made, and from word 16 on their offsets, which follow the scales.
constexpr std::array<std::uint16_t, 32> factor_table(int bytes, bool offsets) {
    std::array<std::uint16_t, 32> table{};
    for (int i = 0; i < 32; ++i) {
        const int at = byte_in_pair(bytes, i % 4, offsets && i >= 16 ? 2 : 0);
        table[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(at / 2);
    }
    return table;
}

SNAPKV_BLOCKS_TARGET inline __m512 lower_halves(__m512i factors) {
    return _mm512_cvtph_ps(_mm512_castsi512_si256(factors));
}

SNAPKV_BLOCKS_TARGET inline __m512 first_four_of_upper(__m512i factors) {
    return _mm512_zextps128_ps512(_mm_cvtph_ps(_mm512_extracti64x2_epi64(factors, 2)));
}

template <ggml_type kType>
class NibbleBlocks {
    using Layout = NibbleLayout<kType>;
    static constexpr bool kFifth = Layout::kFifth;
    static constexpr bool kLookUp = Layout::kLookUp;
    static constexpr int kHeader = Layout::kHeader;
    static constexpr int kFirstNibble = Layout::kFirstNibble;
    static constexpr int kBytes = Layout::kBytes;

public:
    static constexpr bool kOffsets = Layout::kOffsets;
    static constexpr std::size_t kStepBytes = Layout::kStepBytes;
    static constexpr int kZero = kOffsets ? 0 : kLookUp ? 128 : kFifth ? 16 : 8;
    static constexpr CodeOrder kOrder = kHalves;

    SNAPKV_BLOCKS_TARGET NibbleBlocks()
        : nibbles_(_mm512_loadu_si512(kNibbles.data())), factors_(_mm512_loadu_si512(kFactors.data())) {
        if constexpr (kFifth) {
            low_bytes_ = _mm512_loadu_si512(kLowBytes.data());
            high_bytes_ = _mm512_loadu_si512(kHighBytes.data());
            bits_ = _mm512_loadu_si512(kBits.data());
        }
        if constexpr (kLookUp) {
            values_ = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i *>(kValues.data())));
        }
    }

    /// Step `step` of the row, of which `blocks` blocks are there. Never reads a byte beyond them: they may be the last
    /// of the file.
    SNAPKV_BLOCKS_TARGET Codes step(const std::byte * row, std::int64_t step, std::int64_t blocks) const {
        const std::byte * at = row + step * kStepBlocks * kBytes;
        const __m512i first = _mm512_maskz_loadu_epi8(byte_mask(std::min<std::int64_t>(blocks, 2) * kBytes), at);
        const __m512i second = _mm512_maskz_loadu_epi8(byte_mask((blocks - 2) * kBytes), at + 2 * kBytes);
        const __m512i both = _mm512_permutex2var_epi8(first, nibbles_, second);
        const __m512i factors = _mm512_permutex2var_epi16(first, factors_, second);
        const __m512i mask = _mm512_set1_epi8(0x0F);
        Codes codes{_mm512_and_si512(both, mask), _mm512_and_si512(_mm512_srli_epi16(both, 4), mask),
                    lower_halves(factors), _mm512_setzero_ps()};
        if constexpr (kFifth) {
            const __m512i fifth = _mm512_set1_epi8(0x10);
            const __m512i low = _mm512_permutex2var_epi8(first, low_bytes_, second);
            const __m512i high = _mm512_permutex2var_epi8(first, high_bytes_, second);
            codes.low = _mm512_mask_add_epi8(codes.low, _mm512_test_epi8_mask(low, bits_), codes.low, fifth);
            codes.high = _mm512_mask_add_epi8(codes.high, _mm512_test_epi8_mask(high, bits_), codes.high, fifth);
        }
        if constexpr (kLookUp) {
            codes.low = _mm512_shuffle_epi8(values_, codes.low);
            codes.high = _mm512_shuffle_epi8(values_, codes.high);
        }
        if constexpr (kOffsets) {
            codes.offsets = first_four_of_upper(factors);
        }
        return codes;
    }

private:
    static constexpr auto kNibbles = byte_table(kBytes, 0, [](int value) { return kFirstNibble + value; });
    static constexpr auto kFactors = factor_table(kBytes, kOffsets);
    static constexpr auto kLowBytes = byte_table(kBytes, 0, [](int value) { return kHeader + value / 8; });
    static constexpr auto kHighBytes = byte_table(kBytes, 1, [](int value) { return kHeader + value / 8; });
    /// Of those bytes the bits: values 16 apart have the same.
    static constexpr auto kBits = [] {
        std::array<std::uint8_t, 64> bits{};
        for (std::size_t i = 0; i < 64; ++i) {
            bits[i] = static_cast<std::uint8_t>(1U << ((kHalves[i / 16] + i % 4) % 8));
        }
        return bits;
    }();
    /// The values of IQ4_NL plus 128.
    static constexpr auto kValues = [] {
        std::array<std::uint8_t, 16> values{};
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<std::uint8_t>(kNonLinear[i] + 128);
        }
        return values;
    }();

    __m512i nibbles_;
    __m512i factors_;
    __m512i low_bytes_{};
    __m512i high_bytes_{};
    __m512i bits_{};
    __m512i values_{};
};

/// Blocks of a 16-bit scale and 32 signed bytes. Two of them, 68 bytes, are more than a vector: their last four bytes
/// are fetched apart.
class ByteBlocks {
    static constexpr int kBytes = 34;

public:
    static constexpr std::size_t kStepBytes = kStepBlocks * kBytes;
    static constexpr bool kOffsets = false;
    static constexpr int kZero = 128;
    static constexpr CodeOrder kOrder = kHalves;

    SNAPKV_BLOCKS_TARGET ByteBlocks()
        : low_(_mm512_loadu_si512(kLow.data())),
          high_(_mm512_loadu_si512(kHigh.data())),
          factors_(_mm512_loadu_si512(kFactors.data())) {}

    SNAPKV_BLOCKS_TARGET Codes step(const std::byte * row, std::int64_t step, std::int64_t blocks) const {
        const std::byte * at = row + step * kStepBlocks * kBytes;
        const __m512i first = _mm512_maskz_loadu_epi8(byte_mask(blocks * kBytes), at);
        const __m512i second = _mm512_maskz_loadu_epi8(byte_mask((blocks - 2) * kBytes), at + 2 * kBytes);
        const __m512i factors = _mm512_permutex2var_epi16(first, factors_, second);
        const __m512i low = _mm512_permutex2var_epi8(first, low_, second);
        __m512i high = _mm512_permutex2var_epi8(first, high_, second);
        high = last_bytes(high, at, 1, blocks);
        high = last_bytes(high, at, 3, blocks);
        const __m512i zero = _mm512_set1_epi8(-128);
        return {_mm512_xor_si512(low, zero), _mm512_xor_si512(high, zero), lower_halves(factors), _mm512_setzero_ps()};
    }

private:
    static constexpr auto kLow = byte_table(kBytes, 0, [](int value) { return 2 + value; });
    static constexpr auto kHigh = byte_table(kBytes, 1, [](int value) { return 2 + value; });
    static constexpr auto kFactors = factor_table(kBytes, false);

    SNAPKV_BLOCKS_TARGET static __m512i last_bytes(__m512i high, const std::byte * at, int block, std::int64_t blocks) {
        if (block >= blocks) {
            return high;
        }
        std::int32_t bytes = 0;
        std::memcpy(&bytes, at + block * kBytes + kBytes - 4, sizeof(bytes));
        return _mm512_mask_set1_epi32(high, static_cast<__mmask16>(1U << static_cast<unsigned>(12 + block)), bytes);
    }

    __m512i low_;
    __m512i high_;
    __m512i factors_;
};

/// From where the lanes of a step come when `places` says in which of 32 lanes (of two vectors) each block begins.
constexpr std::array<std::int32_t, 16> lane_table(const CodeOrder & order, int half,
                                                  const std::array<int, 4> & places) {
    std::array<std::int32_t, 16> table{};
    for (std::size_t lane = 0; lane < 16; ++lane) {
        table[lane] = places[lane % 4] + order[static_cast<std::size_t>(half) * 4 + lane / 4] / 4;
    }
    return table;
}

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
    static constexpr int kZero = 0;
    static constexpr CodeOrder kOrder = kHalves;

    SNAPKV_BLOCKS_TARGET SuperBlocks()
        : low_lanes_(_mm512_loadu_si512(kLowLanes.data())), high_lanes_(_mm512_loadu_si512(kHighLanes.data())) {}

    SNAPKV_BLOCKS_TARGET Codes step(const std::byte * row, std::int64_t step, std::int64_t /*blocks*/) const {
        const std::byte * block = row + step / 2 * kBytes;
        const unsigned part = static_cast<unsigned>(step) % 2;
        const __m512i both = _mm512_loadu_si512(block + kFirstNibble + part * 64);
        const __m512i mask = _mm512_set1_epi8(0x0F);
        __m512i low = _mm512_and_si512(both, mask);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
        if constexpr (kFifth) {
            // Of each byte of fifth bits, bit b belongs to block b.
            const __m256i of_blocks = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block + kHeader));
            const __m512i bits =
                _mm512_srl_epi16(_mm512_broadcast_i64x4(of_blocks), _mm_cvtsi32_si128(static_cast<int>(part * 4)));
            const __m512i fifth = _mm512_set1_epi8(0x10);
            const __m512i of_low = _mm512_inserti64x4(_mm512_set1_epi8(1), _mm256_set1_epi8(4), 1);
            low = _mm512_mask_add_epi8(low, _mm512_test_epi8_mask(bits, of_low), low, fifth);
            high =
                _mm512_mask_add_epi8(high, _mm512_test_epi8_mask(bits, _mm512_add_epi8(of_low, of_low)), high, fifth);
        }
        const auto [scales, offsets] = sixes_of(block + 4, part);
        std::int32_t factors = 0;
        std::memcpy(&factors, block, sizeof(factors));
        const __m128 both_factors = _mm_cvtph_ps(_mm_cvtsi32_si128(factors));
        const __m128 of_scales = _mm_broadcastss_ps(both_factors);
        const __m128 of_offsets = _mm_broadcastss_ps(_mm_movehdup_ps(both_factors));
        return {_mm512_permutex2var_epi32(low, low_lanes_, high), _mm512_permutex2var_epi32(low, high_lanes_, high),
                _mm512_broadcast_f32x4(_mm_mul_ps(of_scales, widen(scales))),
                _mm512_zextps128_ps512(_mm_mul_ps(_mm_sub_ps(_mm_setzero_ps(), of_offsets), widen(offsets)))};
    }

private:
    static constexpr std::array<int, 4> kPlaces{0, 16, 8, 24};
    static constexpr auto kLowLanes = lane_table(kOrder, 0, kPlaces);
    static constexpr auto kHighLanes = lane_table(kOrder, 1, kPlaces);

    SNAPKV_BLOCKS_TARGET static __m128 widen(std::uint32_t bytes) {
        return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(static_cast<std::int32_t>(bytes))));
    }

    __m512i low_lanes_;
    __m512i high_lanes_;
};

class SixBitBlocks {
    using Layout = SixBitLayout;

public:
    static constexpr std::size_t kStepBytes = Layout::kStepBytes;
    static constexpr bool kOffsets = Layout::kOffsets;
    static constexpr int kZero = 32;
    static constexpr CodeOrder kOrder = kPairs;

    SNAPKV_BLOCKS_TARGET SixBitBlocks()
        : low_lanes_(_mm512_loadu_si512(kLowLanes.data())),
          high_lanes_(_mm512_loadu_si512(kHighLanes.data())),
          scale_lanes_(_mm512_loadu_si512(kScaleLanes.data())) {}

    SNAPKV_BLOCKS_TARGET Codes step(const std::byte * row, std::int64_t step, std::int64_t /*blocks*/) const {
        const std::byte * block = row + step / 2 * Layout::kBytes;
        const std::int64_t part = step % 2;
        const __m512i both = _mm512_loadu_si512(block + part * 64);
        const __m256i of_lanes =
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block + Layout::kUpperBits + part * 32));
        const __m512i bits = _mm512_broadcast_i64x4(of_lanes);
        const __m512i left = _mm512_inserti64x4(_mm512_set1_epi16(4), _mm256_set1_epi16(2), 1);
        const __m512i right = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(2), 1);
        const __m512i lower = _mm512_set1_epi8(0x0F);
        const __m512i upper = _mm512_set1_epi8(0x30);
        const __m512i low =
            _mm512_or_si512(_mm512_and_si512(both, lower), _mm512_and_si512(_mm512_sllv_epi16(bits, left), upper));
        const __m512i high = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(both, 4), lower),
                                             _mm512_and_si512(_mm512_srlv_epi16(bits, right), upper));
        const __m128i stored = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(block + Layout::kScales + part * 8));
        std::uint16_t factor = 0;
        std::memcpy(&factor, block + Layout::kFactor, sizeof(factor));
        const __m256 scales = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(stored)),
                                            _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(factor))));
        return {_mm512_permutex2var_epi32(low, low_lanes_, high), _mm512_permutex2var_epi32(low, high_lanes_, high),
                _mm512_permutexvar_ps(scale_lanes_, _mm512_zextps256_ps512(scales)), _mm512_setzero_ps()};
    }

private:
    static constexpr std::array<int, 4> kPlaces{0, 8, 16, 24};
    static constexpr auto kLowLanes = lane_table(kOrder, 0, kPlaces);
    static constexpr auto kHighLanes = lane_table(kOrder, 1, kPlaces);
    static constexpr auto kScaleLanes = [] {
        std::array<std::int32_t, 16> lanes{};
        for (std::size_t lane = 0; lane < 16; ++lane) {
            lanes[lane] = static_cast<std::int32_t>(lane % 4 * 2) + kOrder[lane / 4] / 16;
        }
        return lanes;
    }();

    __m512i low_lanes_;
    __m512i high_lanes_;
    __m512i scale_lanes_;
};

}  // namespace snapkv::product::avx512

#endif
