#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/arena.h"
#include "kv/head_rows.h"
#include "kv/shape.h"
#include "snapkv/position.h"

namespace snapkv::kv {

/// The rows of one layer that one sequence holds alone and gives up one by one. Each KV head has its own, in slots that
/// follow no order: where a row goes, the last one takes its slot, so nothing else moves and no slot is empty. Not
/// thread-safe, but for different heads between two calls of reserve().
class SlotRows {
public:
    SlotRows() = default;
    SlotRows(Arena & arena, const LayerShape & shape, std::uint32_t capacity);
    [[nodiscard]] SlotRows copy(Arena & arena) const;

    [[nodiscard]] const LayerShape & shape() const { return shape_; }
    /// Rows that each head has room for.
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
    [[nodiscard]] std::uint32_t rows(std::uint32_t head) const {
        return static_cast<std::uint32_t>(positions_[head].size());
    }
    [[nodiscard]] std::span<const Position> positions(std::uint32_t head) const { return positions_[head]; }
    /// All of a head's rows, whose positions do not ascend.
    [[nodiscard]] HeadRows head(std::uint32_t head) const;

    /// Room for `capacity` rows, no fewer than there is room for. Throws Error(Machine), and is then as before.
    void reserve(Arena & arena, std::uint32_t capacity);
    /// Appends the rows of a view, for which there is room.
    void append(std::uint32_t head, const HeadRows & rows);
    /// Makes room for a row at `position`, to be filled through key() and value().
    std::uint32_t append(std::uint32_t head, Position position);
    /// The last row takes the slot.
    void remove(std::uint32_t head, std::uint32_t slot);

    [[nodiscard]] std::byte * key(std::uint32_t head, std::uint32_t slot);
    [[nodiscard]] std::byte * value(std::uint32_t head, std::uint32_t slot);

private:
    [[nodiscard]] std::size_t key_offset(std::uint32_t head, std::uint32_t slot) const;
    [[nodiscard]] std::size_t value_offset(std::uint32_t head, std::uint32_t slot) const;

    LayerShape shape_;
    std::uint32_t capacity_ = 0;
    Block block_;  ///< of each head all keys, then all values
    std::vector<std::vector<Position>> positions_;
};

}  // namespace snapkv::kv
