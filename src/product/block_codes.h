// How 128 values of a row of weights, as GGUF's block types store them, come into registers to be multiplied: what all
// instruction sets have in common.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
