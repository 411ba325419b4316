#include "synthetic/token_codes.h"

#include <bit>
#include <cassert>

namespace snapkv::synthetic {
namespace {

constexpr std::uint32_t kDegree = 5;
constexpr std::uint32_t kPeriod = 31;

/// Traces of the powers of a root of x^5 + x^2 + 1 in GF(32), up to a shift: the sequence of that recurrence.
std::array<std::uint32_t, kPeriod> traces() {
    std::array<std::uint32_t, kPeriod> sequence{1};
    for (std::uint32_t n = kDegree; n < kPeriod; ++n) {
        sequence[n] = sequence[n - 5] ^ sequence[n - 3];
    }
    return sequence;
}

/// Neighbouring numbers must not differ in the same few generators, or texts of neighbouring tokens would resemble one
/// another: multiplied by an odd number, modulo a power of two, they stay different and lose their order.
constexpr std::uint32_t kScramble = 0x9E3779B1U;

}  // namespace

TokenCodes::TokenCodes(std::uint32_t tokens) {
    assert(tokens <= kMostCodes);
    // The code words are the values of e + Tr(a x) + Tr(b x^3) + Tr(c x^5) for all x of GF(32), which differ in 8
    // places or more; with Tr(d x^11) there are 32 times as many and 6 places.
    constexpr std::array<std::uint32_t, 4> exponents{1, 3, 5, 11};
    constexpr std::uint32_t few_bits = 16;
    const auto sequence = traces();
    std::size_t next = 0;
    generators_[next++] = ~0U;
    for (const std::uint32_t exponent : exponents) {
        for (std::uint32_t shift = 0; shift < kDegree; ++shift) {
            std::uint32_t word = 0;  // its last bit is the value at x = 0
            for (std::uint32_t power = 0; power < kPeriod; ++power) {
                word |= sequence[(shift + exponent * power) % kPeriod] << power;
            }
            generators_[next++] = word;
        }
    }
    mask_ = tokens <= (1U << few_bits) ? (1U << few_bits) - 1U : kMostCodes - 1U;
}

std::uint32_t TokenCodes::word(std::uint32_t token) const {
    std::uint32_t word = 0;
    for (std::uint32_t bits = (token * kScramble) & mask_; bits != 0; bits &= bits - 1) {
        word ^= generators_[static_cast<std::size_t>(std::countr_zero(bits))];
    }
    return word;
}

}  // namespace snapkv::synthetic
