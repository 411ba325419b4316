#include "kv/row_chain.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace snapkv::kv {

namespace {

/// Appends `count` rows of `from`, beginning with the one at `row`.
void copy_rows(const LayerRows & from, std::uint32_t row, LayerRows & to, std::uint32_t count) {
    const LayerShape & shape = to.shape();
    for (std::uint32_t head = 0; head < shape.kv_heads && count > 0 && to.in_memory(); ++head) {
        const HeadRows view = from.head(head);
        std::memcpy(to.key_row(head, to.rows()), view.keys + row * shape.key_bytes(), count * shape.key_bytes());
        std::memcpy(to.value_row(head, to.rows()), view.values + row * shape.value_stride(),
                    count * shape.value_bytes());
    }
    to.set_rows(to.rows() + count);
}

}  // namespace

RowChain::RowChain(Arena & arena, const LayerShape & shape, Position first, Position end) {
    assert(index_of(first) % kAnchorRows == 0 && first <= end);
    parts_.push_back(
        std::make_shared<LayerRows>(LayerRows::dense(arena, shape, index_of(end) - index_of(first), first)));
}

RowChain RowChain::continued(Arena & arena, Position from, Position end) const {
    assert(parts_.front()->first() <= from && from <= this->end() && from <= end);
    const Position own = Position{index_of(from) / kAnchorRows * kAnchorRows};
    RowChain chain;
    const LayerRows * copied = nullptr;  // the part with the rows from `own` on
    for (const auto & part : parts_) {
        if (part->first() + part->rows() <= own) {  // none of it is written any more
            chain.parts_.push_back(part);
        } else if (part->first() <= own) {
            const std::uint32_t shared = index_of(own) - index_of(part->first());
            if (shared > 0) {
                chain.parts_.push_back(std::make_shared<LayerRows>(part->prefix(shared)));
            }
            copied = part.get();
        }
    }
    auto rows = std::make_shared<LayerRows>(LayerRows::dense(arena, shape(), index_of(end) - index_of(own), own));
    if (copied != nullptr) {
        copy_rows(*copied, index_of(own) - index_of(copied->first()), *rows, index_of(from) - index_of(own));
    }
    assert(rows->first() + rows->rows() == from);
    chain.parts_.push_back(std::move(rows));
    return chain;
}

RowChain RowChain::between(Arena & arena, Position first, Position end) const {
    assert(parts_.front()->first() <= first && first <= end && end <= this->end());
    RowChain chain;
    if (index_of(first) == 0) {
        for (const auto & part : parts_) {
            if (part->first() > end) {
                break;
            }
            const std::uint32_t rows = index_of(end) - index_of(part->first());
            // The last part may still be written: what was there now is a part of its own.
            const bool whole = rows >= part->rows() && part != parts_.back();
            chain.parts_.push_back(whole ? part
                                         : std::make_shared<LayerRows>(part->prefix(std::min(rows, part->rows()))));
        }
        return chain;
    }
    chain = RowChain(arena, shape(), first, end);
    for (const auto & part : parts_) {
        const Position from = std::max(first, part->first());
        const Position to = std::min(end, part->first() + part->rows());
        if (from < to) {
            copy_rows(*part, index_of(from) - index_of(part->first()), chain.last(), index_of(to) - index_of(from));
        }
    }
    return chain;
}

std::vector<std::vector<HeadRows>> RowChain::views() const {
    std::vector<std::vector<HeadRows>> all(shape().kv_heads);
    for (std::uint32_t head = 0; head < all.size(); ++head) {
        for (const auto & part : parts_) {
            all[head].push_back(part->head(head));
        }
    }
    return all;
}

}  // namespace snapkv::kv
