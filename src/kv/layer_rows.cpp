#include "kv/layer_rows.h"

#include <cassert>
#include <cstring>
#include <utility>

#include "kv/convert.h"

namespace snapkv::kv {

namespace {

/// Heads begin on cache lines.
constexpr std::size_t kAlignment = 64;
std::size_t aligned(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

LayerRows LayerRows::dense(Arena & arena, const LayerShape & shape, std::uint32_t capacity, Position first) {
    LayerRows rows;
    rows.shape_ = shape;
    rows.dense_ = true;
    rows.capacity_ = capacity;
    rows.first_ = first;
    std::size_t offset = 0;
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        Head & place = rows.heads_.emplace_back();
        place.keys = std::exchange(offset, aligned(offset + capacity * shape.key_bytes()));
        place.values =
            shape.values_in_keys ? place.keys : std::exchange(offset, aligned(offset + capacity * shape.value_bytes()));
    }
    rows.block_ = std::make_shared<Block>(arena.allocate(offset));
    return rows;
}

std::uint64_t LayerRows::dense_bytes(const LayerShape & shape, std::uint32_t rows) {
    return shape.kv_heads * (aligned(rows * shape.key_bytes()) + aligned(rows * shape.value_bytes()));
}

LayerRows LayerRows::packed_empty(Arena & arena, const LayerShape & shape, std::vector<std::vector<Position>> kept) {
    assert(kept.size() == shape.kv_heads);
    LayerRows rows;
    rows.shape_ = shape;
    std::size_t offset = 0;
    for (auto & of_head : kept) {
        Head & place = rows.heads_.emplace_back();
        place.keys = std::exchange(offset, aligned(offset + of_head.size() * shape.key_bytes()));
        place.values = shape.values_in_keys
                           ? place.keys
                           : std::exchange(offset, aligned(offset + of_head.size() * shape.value_bytes()));
        place.positions = std::move(of_head);
    }
    rows.block_ = std::make_shared<Block>(arena.allocate(offset));
    return rows;
}

LayerRows LayerRows::packed(Arena & arena, const LayerShape & shape, std::span<const std::vector<HeadRows>> sources,
                            std::span<const std::vector<Position>> kept) {
    assert(sources.size() == shape.kv_heads && kept.size() == shape.kv_heads);
    LayerRows rows = packed_empty(arena, shape, {kept.begin(), kept.end()});
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        convert_rows(shape, sources[head], kept[head], rows, head);
    }
    return rows;
}

void LayerRows::keep(std::vector<std::vector<Position>> kept) {
    assert(!dense_ && kept.size() == heads_.size() && block_.use_count() == 1);
    std::size_t end = 0;  // what moves moves forwards
    for (std::size_t index = 0; index < heads_.size(); ++index) {
        Head & place = heads_[index];
        const std::size_t from_keys = std::exchange(place.keys, end);
        end = aligned(end + kept[index].size() * shape_.key_bytes());
        const std::size_t from_values = std::exchange(place.values, shape_.values_in_keys ? place.keys : end);
        end = shape_.values_in_keys ? end : aligned(end + kept[index].size() * shape_.value_bytes());
        const auto move_rows = [&](std::size_t from, std::size_t to, std::size_t row_bytes) {
            std::size_t row = 0;
            for (std::size_t at = 0; at < kept[index].size(); ++at, ++row) {
                while (place.positions[row] != kept[index][at]) {
                    ++row;
                    assert(row < place.positions.size());
                }
                std::memmove(block_->data() + to + at * row_bytes, block_->data() + from + row * row_bytes, row_bytes);
            }
        };
        move_rows(from_keys, place.keys, shape_.key_bytes());
        if (!shape_.values_in_keys) {
            move_rows(from_values, place.values, shape_.value_bytes());
        }
        place.positions = std::move(kept[index]);
    }
    block_->shrink(end);
}

LayerRows LayerRows::prefix(std::uint32_t rows) const {
    assert(dense_ && rows <= rows_);
    LayerRows first = *this;
    first.capacity_ = rows;
    first.rows_ = rows;
    if (rows == 0) {
        first.block_ = std::make_shared<Block>();  // so that it holds no memory
    }
    return first;
}

HeadRows LayerRows::head(std::uint32_t head) const {
    const Head & place = heads_[head];
    HeadRows view;
    view.keys = block_->data() + place.keys;
    view.values = block_->data() + place.values;
    view.rows = dense_ ? rows_ : static_cast<std::uint32_t>(place.positions.size());
    view.positions = dense_ ? nullptr : place.positions.data();
    view.first = first_;
    return view;
}

std::uint64_t LayerRows::total_rows() const {
    if (dense_) {
        return std::uint64_t{shape_.kv_heads} * rows_;
    }
    std::uint64_t total = 0;
    for (const Head & head : heads_) {
        total += head.positions.size();
    }
    return total;
}

std::byte * LayerRows::key_row(std::uint32_t head, std::uint32_t row) {
    return block_->data() + heads_[head].keys + row * shape_.key_bytes();
}

std::byte * LayerRows::value_row(std::uint32_t head, std::uint32_t row) {
    return block_->data() + heads_[head].values + row * shape_.value_stride();
}

}  // namespace snapkv::kv
