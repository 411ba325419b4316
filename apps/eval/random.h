#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace snapkv::eval {

/// Draws that are the same on every platform: the standard fixes the output of its generators, not of its
/// distributions. Copies go on alike.
class Random {
public:
    /// Streams of different names under one seed have nothing to do with each other, so that a sample does not change
    /// with what else is made.
    Random(std::uint64_t seed, std::string_view stream);

    [[nodiscard]] std::uint64_t bits() { return generator_(); }
    /// From 0 to `count` - 1, all as likely; `count` > 0.
    [[nodiscard]] std::size_t below(std::size_t count);

    template <typename Value>
    void shuffle(std::vector<Value> & list) {
        for (std::size_t left = list.size(); left > 1; --left) {
            std::swap(list[left - 1], list[below(left)]);
        }
    }

private:
    std::mt19937_64 generator_;
};

/// Numbers below `count`, none twice: a shuffle that remembers only what it moved.
class DistinctNumbers {
public:
    explicit DistinctNumbers(std::size_t count) : left_(count) {}

    [[nodiscard]] std::size_t left() const { return left_; }
    /// While left() > 0.
    [[nodiscard]] std::size_t draw(Random & random);

private:
    std::size_t left_;
    std::unordered_map<std::size_t, std::size_t> moved_;
};

}  // namespace snapkv::eval
