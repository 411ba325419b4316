#include "kv/row_store.h"

#include <algorithm>
#include <utility>

namespace snapkv::kv {

RowStore RowStore::copy() const {
    RowStore other{segments, tail.copy()};
    for (const SlotRows & of_layer : slots) {
        other.slots.push_back(of_layer.copy(tail.arena()));
    }
    return other;
}

void RowStore::view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const {
    for (const auto & segment : segments) {
        views.push_back(segment->layer(layer).head(head));
    }
    if (!slots.empty() && slots[layer].capacity() > 0) {
        views.push_back(slots[layer].head(head));
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

std::uint32_t RowStore::least_rows() const {
    std::uint32_t least = tail.least_rows();
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        if (tail.window(layer) == 0 || shape(layer).kv_heads == 0) {
            continue;
        }
        // How far back positions follow one another without a gap.
        std::uint32_t begin = index_of(tail.first() + tail.first_row(layer));
        std::vector<HeadRows> rows;
        if (tail.first_row(layer) == 0) {
            view(layer, 0, rows);
        }
        const std::vector<Position> positions = positions_in(rows);
        for (auto at = positions.rbegin(); at != positions.rend() && index_of(*at) + 1 >= begin; ++at) {
            begin = std::min(begin, index_of(*at));
        }
        const std::uint32_t seen_from = begin + tail.window(layer) - 1;
        if (begin > 0 && seen_from > index_of(tail.first())) {
            least = std::max(least, seen_from - index_of(tail.first()));
        }
    }
    return least;
}

std::size_t RowStore::first_merged(Position from, std::uint64_t rows) const {
    std::size_t first = segments.size();
    for (; first > 0; --first) {
        const Segment & segment = *segments[first - 1];
        const std::uint64_t of_segment = segment.total_rows();
        bool before = false;
        for (std::uint32_t layer = 0; layer < segment.layers() && !before; ++layer) {
            for (std::uint32_t head = 0; head < segment.layer(layer).shape().kv_heads; ++head) {
                const HeadRows of_head = segment.layer(layer).head(head);
                before = before || (of_head.rows > 0 && of_head.position(0) < from);
            }
        }
        if (before || of_segment > rows) {
            break;
        }
        rows += of_segment;
    }
    return first;
}

void RowStore::freeze(Arena & arena, std::size_t merged, std::shared_ptr<const Segment> segment, std::uint32_t rows) {
    std::vector<std::shared_ptr<const Segment>> frozen(segments.begin(),
                                                       segments.begin() + static_cast<std::ptrdiff_t>(merged));
    Tail rest = tail.copy_from(rows);
    for (auto & older : frozen) {
        auto trimmed = std::make_shared<Segment>();
        bool differs = false;
        for (std::uint32_t layer = 0; layer < older->layers(); ++layer) {
            const LayerRows & of_layer = older->layer(layer);
            const std::uint32_t window = tail.window(layer);
            const bool unseen =
                window > 0 && of_layer.total_rows() > 0 &&
                index_of(of_layer.head(0).position(of_layer.head(0).rows - 1)) + window <= index_of(rest.first());
            differs = differs || unseen;
            trimmed->add_layer(
                unseen ? std::make_shared<const LayerRows>(LayerRows::dense(arena, of_layer.shape(), 0, Position{0}))
                       : older->shared_layer(layer));
        }
        older = differs ? std::move(trimmed) : std::move(older);
    }
    frozen.push_back(std::move(segment));
    segments = std::move(frozen);
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
