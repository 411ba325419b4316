// How 128 values of a row of weights, as GGUF's block types store them, come into registers to be multiplied: what all
// instruction sets have in common.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ggml.h"

namespace snapkv::product {

// How each type of blocks is unpacked is a class with:
//   kStepBytes           bytes of 128 values in a row
//   kOffsets             codes have offsets
//   step(row, i, blocks) the values of step i of a row, of which so many blocks of 32 are there; reads none beyond
//   them:
//                        they may be the last of the file

/// What a step takes: four blocks of 32 values.
inline constexpr std::int64_t kCodeBlock = 32;
inline constexpr std::int64_t kStepBlocks = 4;

/// Where things are in blocks of 32 values of four bits, or five whose fifth bits stand apart: a scale of 16 bits,
/// maybe an offset, maybe four bytes of fifth bits, then 16 bytes whose low halves are the first 16 values and whose
/// high halves the others.
template <ggml_type kType>
struct NibbleLayout {
    static constexpr bool kFifth = kType == GGML_TYPE_Q5_0 || kType == GGML_TYPE_Q5_1;
    static constexpr bool kOffsets = kType == GGML_TYPE_Q4_1 || kType == GGML_TYPE_Q5_1;
    static constexpr bool kLookUp = kType == GGML_TYPE_IQ4_NL;  ///< codes are numbers of kNonLinear
    static constexpr int kHeader = kOffsets ? 4 : 2;            ///< bytes of scale and offset
    static constexpr int kFirstNibble = kHeader + (kFifth ? 4 : 0);
    static constexpr int kBytes = kFirstNibble + 16;
    static constexpr std::size_t kStepBytes = kStepBlocks * kBytes;
};

/// Of superblocks of 256 values in eight blocks: two 16-bit factors, of the blocks' scales and of their offsets, which
/// have six bits each; maybe 32 bytes of fifth bits; 128 bytes of four bits, 32 of which hold a block in their low
/// halves and the next in their high ones.
template <ggml_type kType>
struct SuperLayout {
    static constexpr bool kFifth = kType == GGML_TYPE_Q5_K;
    static constexpr bool kOffsets = true;
    static constexpr int kHeader = 16;
    static constexpr int kFirstNibble = kHeader + (kFifth ? 32 : 0);
    static constexpr int kBytes = kFirstNibble + 128;
    static constexpr std::size_t kStepBytes = kBytes / 2;
};

/// Of superblocks of 256 values of six bits in sixteen blocks with signed scales: 128 bytes of lower four bits, 64 of
/// upper two, 16 scales, a 16-bit factor of theirs. The first 64 bytes hold values 0 to 63 in their low halves and 64
/// to 127 in their high ones; a byte of upper bits those of four values 32 apart.
struct SixBitLayout {
    static constexpr bool kOffsets = false;
    static constexpr int kUpperBits = 128;
    static constexpr int kScales = 192;
    static constexpr int kFactor = 208;
    static constexpr int kBytes = 210;
    static constexpr std::size_t kStepBytes = kBytes / 2;
};

/// The numbers that IQ4_NL's codes stand for.
inline constexpr std::array<std::int8_t, 16> kNonLinear{-127, -104, -83, -65, -49, -35, -22, -10,
                                                        1,    13,   25,  38,  53,  69,  89,  113};

/// Scales and offsets of four blocks of Q4_K or Q5_K, a byte each.
struct Sixes {
    std::uint32_t scales;
    std::uint32_t offsets;
};

/// Those of blocks 0 to 3 (`part` 0) or 4 to 7 from the twelve bytes of all: the six bits of blocks 0 to 3 in the first
/// bytes, first of all scales, then of all offsets; of blocks 4 to 7 the two upper bits above those, the lower four
/// side by side in the last four bytes.
inline Sixes sixes_of(const std::byte * bytes, unsigned part) {
    std::array<std::uint32_t, 3> sixes{};
    std::memcpy(sixes.data(), bytes, sizeof(sixes));
    if (part == 0) {
        return {sixes[0] & 0x3F3F3F3FU, sixes[1] & 0x3F3F3F3FU};
    }
    return {(sixes[2] & 0x0F0F0F0FU) | (sixes[0] >> 2U & 0x30303030U),
            (sixes[2] >> 4U & 0x0F0F0F0FU) | (sixes[1] >> 2U & 0x30303030U)};
}

}  // namespace snapkv::product
