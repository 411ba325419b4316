#pragma once

#include <cstddef>

#include "kv/shape.h"

namespace snapkv::kv {

/// Elements that are rotated together in a row of `size`: the greatest power of two that divides it, at most 512.
[[nodiscard]] constexpr std::size_t rotation_size(std::size_t size) {
    constexpr std::size_t kMost = 512;
    const std::size_t power = size & (~size + 1);
    return power < kMost ? power : kMost;
}

/// A stretch that a rotation leaves as it is.
inline constexpr std::size_t kUnrotated = 1;

/// The stretches of a layer's stored keys.
[[nodiscard]] constexpr std::size_t key_rotation(const LayerShape & shape) {
    return shape.rotated ? rotation_size(shape.key_size) : kUnrotated;
}

/// The stretches of a layer's stored values: where they are the keys' beginning, the keys'.
[[nodiscard]] constexpr std::size_t value_rotation(const LayerShape & shape) {
    if (!shape.rotated) {
        return kUnrotated;
    }
    return rotation_size(shape.values_in_keys ? shape.key_size : shape.value_size);
}

/// Can rows of this shape be stored in its types? Quantised ones are whole blocks; values that are part of keys have
/// the keys' type and, quantised, whole stretches.
[[nodiscard]] constexpr bool storable(const LayerShape & shape) {
    const auto whole = [](KvType type, std::uint32_t size) {
        return !is_quantised(type) || size % kQuantisedBlock == 0;
    };
    const bool stretches = !is_quantised(shape.type.key) || shape.value_size % key_rotation(shape) == 0;
    return whole(shape.type.key, shape.key_size) && whole(shape.type.value, shape.value_size) &&
           (!shape.values_in_keys || (shape.type.key == shape.type.value && stretches));
}

/// Multiplies each `stretch` of the row's `size` elements, a power of two that divides it, by a Hadamard matrix over
/// the root of its size, which is its own inverse. Rotated rows have the dot products of the rows themselves, and what
/// stuck out in one element is spread over all: before rows are quantised, and for the queries and outputs that meet
/// them.
void rotate(float * row, std::size_t size, std::size_t stretch);

}  // namespace snapkv::kv
