#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "snapkv/model.h"

namespace snapkv::test {

/// The same numbers on every machine: the generator is fixed by the standard, its distributions are not.
class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    /// Roughly normal, with mean 0 and variance 1: the sum of three uniform numbers.
    float number() { return uniform() + uniform() + uniform(); }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }

    std::vector<float> numbers(std::size_t count, float mean, float scale) {
        std::vector<float> result(count);
        std::generate(result.begin(), result.end(), [&] { return mean + scale * number(); });
        return result;
    }

    /// Plain tokens of a tiny model's vocabulary: single bytes.
    std::vector<Token> tokens(std::size_t count) {
        std::vector<Token> result(count);
        std::generate(result.begin(), result.end(), [&] { return static_cast<Token>(below(256)); });
        return result;
    }

private:
    float uniform() { return static_cast<float>(static_cast<double>(engine_()) / 2147483648.0 - 1.0); }

    std::mt19937 engine_;
};

}  // namespace snapkv::test
