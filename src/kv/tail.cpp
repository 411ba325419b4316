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

std::uint32_t blocks_for(std::uint32_t rows) {
    return (rows + Tail::kBlockRows - 1) / Tail::kBlockRows;
}

}  // namespace

Tail::Tail(Arena & arena, std::vector<LayerShape> shapes, Position first, std::vector<std::uint32_t> windows)
    : arena_(&arena), shapes_(std::move(shapes)), windows_(std::move(windows)), first_(first) {
    windows_.resize(shapes_.size());
    for (std::uint32_t layer = 0; layer < shapes_.size(); ++layer) {
        auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group & each) { return each.window == windows_[layer]; });
        if (group == groups_.end()) {
            groups_.emplace_back().window = windows_[layer];
            group = groups_.end() - 1;
        }
        places_.push_back({static_cast<std::size_t>(group - groups_.begin()), group->block_bytes});
        group->block_bytes += shapes_[layer].kv_heads * shapes_[layer].row_bytes() * kBlockRows;
    }
}

Tail Tail::copy() const {
    return copy_from(0);
}

Tail Tail::copy_from(std::uint32_t row) const {
    assert(row <= rows_);
    Tail other(*arena_, shapes_, first_ + row, windows_);
    for (const Group & group : groups_) {
        if (const std::uint32_t there = group.gone * kBlockRows; there > row) {
            other.give_back(group.window, blocks_for(there - row) * kBlockRows);  // a block is whole or not there
        }
    }
    other.append(rows_ - row);
    other.most_ = most_;
    other.unseen_ = std::max(unseen_, row) - row;
    std::vector<HeadRows> views;
    for (std::uint32_t layer = 0; layer < shapes_.size(); ++layer) {
        const LayerShape & shape = shapes_[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            views.clear();
            view_from(first_row(layer), layer, head, views);
            for (const HeadRows & from : views) {
                const std::uint32_t begin =
                    std::max(index_of(from.first), index_of(other.first_ + other.first_row(layer)));
                const std::uint32_t end = index_of(from.first) + from.rows;
                for (std::uint32_t at = begin; at < end;) {
                    const Place to = other.place(layer, at - index_of(other.first_));
                    const std::uint32_t count = std::min(to.count, end - at);
                    const std::uint32_t skipped = at - index_of(from.first);
                    std::memcpy(to.keys + head * to.key_head_stride, from.keys + skipped * shape.key_bytes(),
                                count * shape.key_bytes());
                    if (!shape.values_in_keys) {
                        std::memcpy(to.values + head * to.value_head_stride,
                                    from.values + skipped * shape.value_bytes(), count * shape.value_bytes());
                    }
                    at += count;
                }
            }
        }
    }
    return other;
}

std::uint64_t Tail::append_bytes(std::uint32_t count) const {
    std::uint64_t bytes = 0;
    for (const Group & group : groups_) {
        bytes += (blocks_for(rows_ + count) - group.gone - group.blocks.size()) * group.block_bytes;
    }
    return bytes;
}

void Tail::append(std::uint32_t count) {
    for (const Group & group : groups_) {
        if (group.window > 0 && rows_ > group.window + kBlockRows) {
            give_back(group.window, (rows_ - group.window - kBlockRows) / kBlockRows * kBlockRows);
        }
    }
    try {
        for (Group & group : groups_) {
            while (group.gone + group.blocks.size() < blocks_for(rows_ + count)) {
                group.blocks.push_back(arena_->allocate(group.block_bytes));
            }
        }
    } catch (...) {
        truncate(rows_);  // gives back what it got
        throw;
    }
    rows_ += count;
}

void Tail::truncate(std::uint32_t rows) {
    assert(rows <= rows_ && (rows >= least_rows() || rows == rows_));
    rows_ = rows;
    if (most_) {
        unseen_ = std::min(unseen_, rows - std::min(rows, *most_));
    }
    for (Group & group : groups_) {
        group.blocks.resize(std::max(blocks_for(rows), group.gone) - group.gone);
    }
}

std::uint32_t Tail::least_rows() const {
    std::uint32_t least = 0;
    for (const Group & group : groups_) {
        const std::uint32_t seen = group.window > 0 ? group.window - 1 : most_.value_or(0);
        least = std::max(least, group.gone > 0 ? group.gone * kBlockRows + seen : 0);
    }
    return least;
}

void Tail::settle() {
    if (!most_) {
        return;
    }
    unseen_ = rows_ - std::min(rows_, *most_);
    const std::uint32_t spare = *most_ > 0 ? kBlockRows : 0;
    give_back(0, (unseen_ - std::min(unseen_, spare)) / kBlockRows * kBlockRows);
}

std::uint64_t Tail::out_of_sight() const {
    std::uint64_t heads = 0;
    for (std::uint32_t layer = 0; layer < shapes_.size(); ++layer) {
        heads += windows_[layer] == 0 ? shapes_[layer].kv_heads : 0;
    }
    return heads * unseen_;
}

void Tail::give_back(std::uint32_t window, std::uint32_t row) {
    assert(row % kBlockRows == 0 && (row <= rows_ || rows_ == 0));
    for (Group & group : groups_) {
        const std::uint32_t gone = row / kBlockRows;
        if (group.window == window && gone > group.gone) {
            const auto there = static_cast<std::uint32_t>(group.blocks.size());
            group.blocks.erase(group.blocks.begin(), group.blocks.begin() + std::min(gone - group.gone, there));
            group.gone = gone;
        }
    }
}

Tail::Place Tail::place(std::uint32_t layer, std::uint32_t row) {
    const Group & group = group_of(layer);
    assert(row < rows_ && row / kBlockRows >= group.gone);
    const LayerShape & shape = shapes_[layer];
    Place place;
    place.key_head_stride = kBlockRows * shape.key_bytes();
    place.value_head_stride = kBlockRows * shape.value_stride();
    std::byte * base =
        groups_[places_[layer].group].blocks[row / kBlockRows - group.gone].data() + places_[layer].offset;
    place.keys = base + row % kBlockRows * shape.key_bytes();
    place.values = base + values_offset(shape) + row % kBlockRows * shape.value_stride();
    place.count = kBlockRows - row % kBlockRows;
    return place;
}

void Tail::view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const {
    view_from(first_seen(layer), layer, head, views);
}

void Tail::view_from(std::uint32_t first, std::uint32_t layer, std::uint32_t head,
                     std::vector<HeadRows> & views) const {
    const LayerShape & shape = shapes_[layer];
    const Group & group = group_of(layer);
    for (std::uint32_t block = 0; block < group.blocks.size(); ++block) {
        const std::uint32_t begin = (group.gone + block) * kBlockRows;
        const std::uint32_t skipped = std::max(first, begin) - begin;
        if (skipped >= std::min(kBlockRows, rows_ - begin)) {
            continue;
        }
        const std::byte * base = group.blocks[block].data() + places_[layer].offset;
        HeadRows rows;
        rows.keys = base + (head * kBlockRows + skipped) * shape.key_bytes();
        rows.values = base + values_offset(shape) + (head * kBlockRows + skipped) * shape.value_stride();
        rows.rows = std::min(kBlockRows, rows_ - begin) - skipped;
        rows.first = first_ + begin + skipped;
        views.push_back(rows);
    }
}

}  // namespace snapkv::kv
