#pragma once

#include <cstdint>

namespace snapkv {

/// A token's place in its sequence, from 0. What rotary embeddings and masks know; never an index into a cache.
enum class Position : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t index_of(Position position) {
    return static_cast<std::uint32_t>(position);
}
[[nodiscard]] constexpr Position operator+(Position position, std::uint32_t count) {
    return Position{index_of(position) + count};
}

}  // namespace snapkv
