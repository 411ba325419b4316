#include "kv/row_store.h"

#include <cassert>
#include <utility>

namespace snapkv::kv {

RowStore RowStore::copy() const {
    return {segments, tail.copy()};
}

void RowStore::view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const {
    for (const auto & segment : segments) {
        views.push_back(segment->layer(layer).head(head));
    }
    tail.view(layer, head, views);
}

std::vector<std::vector<HeadRows>> RowStore::views(std::uint32_t layer) const {
    std::vector<std::vector<HeadRows>> views(shape(layer).kv_heads);
    for (std::uint32_t head = 0; head < views.size(); ++head) {
        view(layer, head, views[head]);
    }
    return views;
}

void RowStore::freeze(Arena & arena, std::uint32_t rows,
                      std::span<const std::vector<std::vector<std::uint32_t>>> kept) {
    assert(kept.size() == tail.shapes().size());
    auto segment = std::make_shared<Segment>();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        segment->add_layer(
            std::make_shared<const LayerRows>(LayerRows::packed(arena, shape(layer), views(layer), kept[layer])));
    }
    Tail rest = tail.copy_from(rows);
    segments.push_back(std::move(segment));
    tail = std::move(rest);
}

std::vector<Position> positions_in(std::span<const HeadRows> views) {
    std::vector<Position> positions;
    for (const HeadRows & view : views) {
        for (std::uint32_t row = 0; row < view.rows; ++row) {
            positions.push_back(view.position(row));
        }
    }
    return positions;
}

}  // namespace snapkv::kv
