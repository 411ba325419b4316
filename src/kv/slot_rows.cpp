#include "kv/slot_rows.h"

#include <cassert>
#include <cstring>
#include <utility>

namespace snapkv::kv {

SlotRows::SlotRows(Arena & arena, const LayerShape & shape, std::uint32_t capacity)
    : shape_(shape),
      capacity_(capacity),
      block_(arena.allocate(std::size_t{shape.kv_heads} * capacity * shape.row_bytes())),
      positions_(shape.kv_heads) {
    for (std::vector<Position> & positions : positions_) {
        positions.reserve(capacity);
    }
}

SlotRows SlotRows::copy(Arena & arena) const {
    SlotRows other(arena, shape_, capacity_);
    for (std::uint32_t head = 0; head < shape_.kv_heads; ++head) {
        other.append(head, this->head(head));
    }
    return other;
}

HeadRows SlotRows::head(std::uint32_t head) const {
    HeadRows view;
    view.keys = block_.data() + key_offset(head, 0);
    view.values = block_.data() + value_offset(head, 0);
    view.rows = rows(head);
    view.positions = positions_[head].data();
    return view;
}

void SlotRows::reserve(Arena & arena, std::uint32_t capacity) {
    if (capacity > capacity_) {
        SlotRows larger(arena, shape_, capacity);
        for (std::uint32_t head = 0; head < shape_.kv_heads; ++head) {
            larger.append(head, this->head(head));
        }
        *this = std::move(larger);
    }
}

void SlotRows::append(std::uint32_t head, const HeadRows & rows) {
    const std::uint32_t first = this->rows(head);
    assert(rows.rows <= capacity_ - first);
    for (std::uint32_t row = 0; row < rows.rows; ++row) {
        positions_[head].push_back(rows.position(row));
    }
    if (rows.rows > 0) {
        std::memcpy(key(head, first), rows.keys, rows.rows * shape_.key_bytes());
        if (!shape_.values_in_keys) {
            std::memcpy(value(head, first), rows.values, rows.rows * shape_.value_bytes());
        }
    }
}

std::uint32_t SlotRows::append(std::uint32_t head, Position position) {
    assert(rows(head) < capacity_);
    positions_[head].push_back(position);
    return rows(head) - 1;
}

void SlotRows::remove(std::uint32_t head, std::uint32_t slot) {
    std::vector<Position> & positions = positions_[head];
    const std::uint32_t last = rows(head) - 1;
    assert(slot <= last);
    if (slot < last) {
        std::memcpy(key(head, slot), key(head, last), shape_.key_bytes());
        if (!shape_.values_in_keys) {
            std::memcpy(value(head, slot), value(head, last), shape_.value_bytes());
        }
        positions[slot] = positions[last];
    }
    positions.pop_back();
}

std::byte * SlotRows::key(std::uint32_t head, std::uint32_t slot) {
    return block_.data() + key_offset(head, slot);
}

std::byte * SlotRows::value(std::uint32_t head, std::uint32_t slot) {
    return block_.data() + value_offset(head, slot);
}

std::size_t SlotRows::key_offset(std::uint32_t head, std::uint32_t slot) const {
    return std::size_t{head} * capacity_ * shape_.row_bytes() + slot * shape_.key_bytes();
}

std::size_t SlotRows::value_offset(std::uint32_t head, std::uint32_t slot) const {
    return shape_.values_in_keys ? key_offset(head, slot)
                                 : std::size_t{head} * capacity_ * shape_.row_bytes() + capacity_ * shape_.key_bytes() +
                                       slot * shape_.value_bytes();
}

}  // namespace snapkv::kv
