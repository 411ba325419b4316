#pragma once

#include <array>
#include <cstdint>

namespace snapkv::synthetic {

inline constexpr std::uint32_t kCodeSize = 32;
inline constexpr std::uint32_t kMostCodes = 1U << 21U;

/// A word of 32 bits for each token of a vocabulary: a code whose elements are +1 and -1. Taken from an extended BCH
/// code over GF(32) (MacWilliams and Sloane, "The Theory of Error-Correcting Codes", chapter 9). Up to 65,536 tokens
/// any two differ in at least 8 elements and at most 24 or in all 32; up to 2,097,152 tokens in at least 6.
class TokenCodes {
public:
    /// `tokens` is at most kMostCodes.
    explicit TokenCodes(std::uint32_t tokens);

    [[nodiscard]] std::uint32_t word(std::uint32_t token) const;
    [[nodiscard]] float element(std::uint32_t token, std::uint32_t index) const {
        return (word(token) >> index & 1U) != 0 ? -1.0F : 1.0F;
    }

private:
    static constexpr std::uint32_t kMostBits = 21;

    std::array<std::uint32_t, kMostBits> generators_{};
    std::uint32_t mask_;  ///< of the bits of a number that choose generators
};

}  // namespace snapkv::synthetic
