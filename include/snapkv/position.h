#pragma once

#include <cstdint>
#include <vector>

namespace snapkv {

/// A token's place in its sequence, from 0: what rotary embeddings and masks know. It is a type of its own because it
/// is no index into a cache, whose rows are fewer.
enum class Position : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t index_of(Position position) {
    return static_cast<std::uint32_t>(position);
}
[[nodiscard]] constexpr Position operator+(Position position, std::uint32_t count) {
    return Position{index_of(position) + count};
}

/// `first`, `first` + 1, ...: `count` of them.
[[nodiscard]] inline std::vector<Position> positions_from(Position first, std::uint32_t count) {
    std::vector<Position> positions;
    positions.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        positions.push_back(first + i);
    }
    return positions;
}

}  // namespace snapkv
