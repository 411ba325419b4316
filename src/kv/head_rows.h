#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "snapkv/position.h"

namespace snapkv::kv {

/// A view of consecutive rows of one KV head of one layer. Keys and values are row-major: row r begins at
/// r * key_bytes and r * value_stride of its LayerShape. Positions ascend.
struct HeadRows {
    const std::byte * keys = nullptr;
    const std::byte * values = nullptr;
    std::uint32_t rows = 0;
    const Position * positions = nullptr;  ///< one a row; null: first, first + 1, ...
    Position first{};

    [[nodiscard]] Position position(std::uint32_t row) const {
        return positions != nullptr ? positions[row] : first + row;
    }

    /// How many rows, from the first, lie at positions up to and including `last`.
    [[nodiscard]] std::uint32_t count_up_to(Position last) const {
        if (positions != nullptr) {
            return static_cast<std::uint32_t>(std::upper_bound(positions, positions + rows, last) - positions);
        }
        return last < first || rows == 0 ? 0 : std::min(rows - 1, index_of(last) - index_of(first)) + 1;
    }
};

/// Rows of all views together.
[[nodiscard]] inline std::uint32_t rows_in(std::span<const HeadRows> views) {
    std::uint32_t rows = 0;
    for (const HeadRows & view : views) {
        rows += view.rows;
    }
    return rows;
}

}  // namespace snapkv::kv
