#pragma once

#include <cstddef>

namespace snapkv::attention {

/// Elements that are rotated together in a row of `size`: the greatest power of two that divides it, at most 512.
[[nodiscard]] constexpr std::size_t rotation_size(std::size_t size) {
    constexpr std::size_t kMost = 512;
    const std::size_t power = size & (~size + 1);
    return power < kMost ? power : kMost;
}

/// Multiplies each stretch of rotation_size(size) elements by a Hadamard matrix over the root of its size, which is its
/// own inverse. Rotated rows have the dot products of the rows themselves, and what stuck out in one element is spread
/// over all: before rows are quantised, and for the queries and outputs that meet them.
void rotate(float * row, std::size_t size);

}  // namespace snapkv::attention
