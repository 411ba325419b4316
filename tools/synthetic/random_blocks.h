#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ggml.h"

namespace snapkv::synthetic {

/// The same numbers on every machine: Weyl sequence through a mixing function (Steele et al., 2014, "Fast splittable
/// pseudorandom number generators").
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t bits() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }
    /// Roughly normal, with mean 0 and variance 1: the sum of three uniform numbers.
    float number() { return uniform() + uniform() + uniform(); }

private:
    /// From -1 to 1.
    float uniform() { return static_cast<float>(static_cast<double>(bits() >> 11U) * 0x1p-52 - 1.0); }

    std::uint64_t state_;
};

/// A pool of blocks of one ggml type, quantised once from roughly normal numbers; whole tensors are drawn from it at
/// the speed of copying.
class RandomBlocks {
public:
    RandomBlocks(ggml_type type, float deviation, std::uint64_t seed);

    /// Elements of one drawn piece: every row length is to be a multiple.
    [[nodiscard]] static std::uint32_t piece_elements(ggml_type type);

    /// Fills `out`, whole pieces, with randomly drawn ones.
    void draw(Random & random, std::span<std::byte> out) const;
    [[nodiscard]] std::size_t piece_bytes() const { return piece_bytes_; }

private:
    std::size_t piece_bytes_;
    std::vector<std::byte> pool_;
};

}  // namespace snapkv::synthetic
