#include "kv/tail.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace snapkv::kv {

namespace {

/// Of a layer's values in its part of a block: behind the keys of all heads.
std::size_t values_offset(const LayerShape & shape) {
    return shape.values_in_keys ? 0 : shape.kv_heads * Tail::kBlockRows * shape.key_bytes();
}

}  // namespace

Tail::Tail(Arena & arena, std::vector<LayerShape> shapes, Position first)
    : arena_(&arena), shapes_(std::move(shapes)), first_(first) {
    for (const LayerShape & shape : shapes_) {
        layer_offsets_.push_back(block_bytes_);
        block_bytes_ += shape.kv_heads * shape.row_bytes() * kBlockRows;
    }
}

Tail Tail::copy() const {
    Tail other(*arena_, shapes_, first_);
    other.append(rows_);
    for (std::size_t block = 0; block < other.blocks_.size(); ++block) {
        std::memcpy(other.blocks_[block].data(), blocks_[block].data(), block_bytes_);
    }
    return other;
}

std::uint64_t Tail::append_bytes(std::uint32_t count) const {
    const std::uint64_t needed = (std::uint64_t{rows_} + count + kBlockRows - 1) / kBlockRows;
    return (needed - blocks_.size()) * block_bytes_;
}

void Tail::append(std::uint32_t count) {
    const std::size_t needed = (std::size_t{rows_} + count + kBlockRows - 1) / kBlockRows;
    try {
        while (blocks_.size() < needed) {
            blocks_.push_back(arena_->allocate(block_bytes_));
        }
    } catch (...) {
        truncate(rows_);  // gives back what it got
        throw;
    }
    rows_ += count;
}

void Tail::truncate(std::uint32_t rows) {
    assert(rows <= rows_);
    rows_ = rows;
    blocks_.resize((std::size_t{rows} + kBlockRows - 1) / kBlockRows);
}

Tail::Place Tail::place(std::uint32_t layer, std::uint32_t row) {
    assert(row < rows_);
    const LayerShape & shape = shapes_[layer];
    Place place;
    place.key_head_stride = kBlockRows * shape.key_bytes();
    place.value_head_stride = kBlockRows * shape.value_stride();
    std::byte * base = blocks_[row / kBlockRows].data() + layer_offsets_[layer];
    place.keys = base + row % kBlockRows * shape.key_bytes();
    place.values = base + values_offset(shape) + row % kBlockRows * shape.value_stride();
    place.count = kBlockRows - row % kBlockRows;
    return place;
}

void Tail::view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const {
    const LayerShape & shape = shapes_[layer];
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
        const auto begin = static_cast<std::uint32_t>(block) * kBlockRows;
        const std::byte * base = blocks_[block].data() + layer_offsets_[layer];
        HeadRows rows;
        rows.keys = base + head * kBlockRows * shape.key_bytes();
        rows.values = base + values_offset(shape) + head * kBlockRows * shape.value_stride();
        rows.rows = std::min(kBlockRows, rows_ - begin);
        rows.first = first_ + begin;
        views.push_back(rows);
    }
}

}  // namespace snapkv::kv
