#include "attention/cpu/attend.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "attention/cpu/kernels.h"
#include "attention/cpu/queries.h"

namespace snapkv::attention::cpu {

namespace {

/// Up to this many query rows a tile is not worth transposing.
constexpr std::uint32_t kFewRows = 16;
/// Cache rows of one piece of work when there are few query rows.
constexpr std::uint32_t kRowBlock = 256;
constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

/// What each query row of a block sees of one view, and the union of it.
struct Visible {
    std::array<std::uint32_t, kQueryRows> begin{};
    std::array<std::uint32_t, kQueryRows> end{};
    std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t last = 0;
};

Visible visible_rows(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t first, std::uint32_t count,
                     const kv::HeadRows & view) {
    Visible visible;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t position = index_of(span.first) + (first + i) / spec.group();
        const bool cut = spec.sliding_window > 0 && position >= spec.sliding_window;
        visible.begin[i] = cut ? view.count_up_to(Position{position - spec.sliding_window}) : 0;
        visible.end[i] = view.count_up_to(Position{position});
        visible.first = std::min(visible.first, visible.begin[i]);
        visible.last = std::max(visible.last, visible.end[i]);
    }
    return visible;
}

using Kernel = void (*)(const Tile &, const Partial &, float *);

/// Runs `kernel` over the tiles of view rows [begin, end) that any of the query rows sees.
void for_tiles(const LayerUnit & unit, const kv::HeadRows & view, const Visible & visible, std::uint32_t begin,
               std::uint32_t end, Tile tile, const Partial & partial, float * scratch, Kernel kernel) {
    std::array<std::uint32_t, kQueryRows> from{};
    std::array<std::uint32_t, kQueryRows> to{};
    tile.begin = from.data();
    tile.end = to.data();
    begin = std::max(begin, visible.first / kTile * kTile);
    end = std::min(end, visible.last);
    for (std::uint32_t row = begin; row < end && !unit.stopped(); row += kTile) {
        tile.rows = std::min(kTile, end - row);
        tile.keys = view.keys + row * unit.shape.key_bytes();
        tile.values = view.values + row * unit.shape.value_bytes();
        for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
            from[q] = std::clamp(visible.begin[q], row, row + tile.rows) - row;
            to[q] = std::clamp(visible.end[q], row, row + tile.rows) - row;
        }
        kernel(tile, partial, scratch);
    }
}

Partial empty_partial(float * memory, std::uint32_t rows, std::size_t value_stride) {
    const Partial partial{memory, memory + kQueryRows, memory + std::size_t{2} * kQueryRows, value_stride};
    std::fill_n(partial.maximum, rows, kNegativeInfinity);
    std::fill_n(partial.sum, rows, 0.0F);
    std::fill_n(partial.values, rows * value_stride, 0.0F);
    return partial;
}

/// The output of flattened query row `i`.
float * output_row(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t kv_head, std::uint32_t i,
                   float * out) {
    const std::size_t row = span.row + i / spec.group();
    const std::size_t head = std::size_t{kv_head} * spec.group() + i % spec.group();
    return out + (row * spec.heads + head) * spec.value_size;
}

/// to = values / sum; zero where nothing was seen.
void divide(const float * values, const float * values_end, float sum, float * to) {
    const float factor = sum > 0 ? 1.0F / sum : 0.0F;
    std::transform(values, values_end, to, [&](float x) { return x * factor; });
}

}  // namespace

std::size_t Attend::partial_size(std::uint32_t rows) const {
    return std::size_t{2} * kQueryRows + rows * padded(unit_->spec.value_size);
}

std::size_t Attend::thread_floats() const {
    return tile_floats(unit_->spec) + kQueryRows * padded(unit_->spec.key_size) + partial_size(kQueryRows);
}

void Attend::prepare(const LayerUnit & unit, std::uint32_t chunk_rows) {
    unit_ = &unit;
    items_.clear();
    merges_.clear();
    partial_floats_ = 0;
    next_item_ = 0;
    next_merge_ = 0;
    for (std::uint32_t span = 0; span < unit.queries.size(); ++span) {
        const std::uint32_t rows = unit.queries[span].count * unit.spec.group();
        for (std::uint32_t head = 0; head < unit.spec.kv_heads; ++head) {
            if (rows <= kFewRows) {
                add_few(span, head, rows);
            } else {
                add_many(span, head, rows);
            }
        }
    }
    padding_.clear();
    std::vector<bool> covered(chunk_rows);
    for (const QuerySpan & span : unit.queries) {
        std::fill_n(covered.begin() + span.row, span.count, true);
    }
    for (std::uint32_t row = 0; row < chunk_rows; ++row) {
        if (!covered[row]) {
            padding_.push_back(row);
        }
    }
    // The longest pieces, those of the last positions, first: threads then finish together.
    std::reverse(items_.begin(), items_.end());
}

void Attend::add_many(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows) {
    for (std::uint32_t first = 0; first < rows; first += kQueryRows) {
        items_.push_back(
            {.span = span, .kv_head = kv_head, .first = first, .count = std::min(kQueryRows, rows - first)});
    }
}

void Attend::add_few(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows) {
    Merge merge{.span = span, .kv_head = kv_head, .rows = rows, .partial = partial_floats_};
    const auto & views = unit_->queries[span].rows[kv_head];
    for (std::uint32_t view = 0; view < views.size(); ++view) {
        for (std::uint32_t begin = 0; begin < views[view].rows; begin += kRowBlock) {
            items_.push_back({.span = span,
                              .kv_head = kv_head,
                              .count = rows,
                              .few = true,
                              .view = view,
                              .begin = begin,
                              .end = std::min(begin + kRowBlock, views[view].rows),
                              .partial = partial_floats_});
            partial_floats_ += partial_size(rows);
            ++merge.parts;
        }
    }
    merges_.push_back(merge);
}

void Attend::attend(const float * q, float * out, float * scratch, float * partials) {
    float * queries = scratch + tile_floats(unit_->spec);
    std::size_t index = next_item_++;
    if (index == 0) {
        zero_padding(out);  // even where there is no item: a chunk may be all padding
    }
    for (; index < items_.size() && !unit_->stopped(); index = next_item_++) {
        const Item & item = items_[index];
        const QuerySpan & span = unit_->queries[item.span];
        const float * span_q = q + std::size_t{span.row} * unit_->spec.heads * unit_->spec.key_size;
        pack_queries(unit_->spec, span_q, item.kv_head, item.first, item.count, queries);
        if (item.few) {
            attend_few(item, queries, partials + item.partial, scratch);
        } else {
            attend_many(item, queries, out, scratch);
        }
    }
}

void Attend::attend_many(const Item & item, const float * queries, float * out, float * scratch) const {
    const QuerySpan & span = unit_->queries[item.span];
    const std::size_t stride = padded(unit_->spec.value_size);
    float * memory = scratch + tile_floats(unit_->spec) + kQueryRows * padded(unit_->spec.key_size);
    const Partial partial = empty_partial(memory, item.count, stride);
    const Tile tile{.spec = &unit_->spec, .type = unit_->shape.type, .queries = queries, .query_rows = item.count};
    for (const kv::HeadRows & view : span.rows[item.kv_head]) {
        const Visible visible = visible_rows(unit_->spec, span, item.first, item.count, view);
        for_tiles(*unit_, view, visible, 0, view.rows, tile, partial, scratch, attend_tile);
    }
    for (std::uint32_t i = 0; i < item.count; ++i) {
        const float * values = partial.values + i * stride;
        divide(values, values + unit_->spec.value_size, partial.sum[i],
               output_row(unit_->spec, span, item.kv_head, item.first + i, out));
    }
}

void Attend::attend_few(const Item & item, const float * queries, float * partial_memory, float * scratch) const {
    const QuerySpan & span = unit_->queries[item.span];
    const Partial partial = empty_partial(partial_memory, item.count, padded(unit_->spec.value_size));
    const Tile tile{.spec = &unit_->spec, .type = unit_->shape.type, .queries = queries, .query_rows = item.count};
    const kv::HeadRows & view = span.rows[item.kv_head][item.view];
    const Visible visible = visible_rows(unit_->spec, span, 0, item.count, view);
    for_tiles(*unit_, view, visible, item.begin, item.end, tile, partial, scratch, attend_rows);
}

void Attend::zero_padding(float * out) const {
    const std::size_t size = std::size_t{unit_->spec.heads} * unit_->spec.value_size;
    for (const std::uint32_t row : padding_) {
        std::fill_n(out + row * size, size, 0.0F);
    }
}

void Attend::merge(float * out, const float * partials) {
    for (std::size_t index = next_merge_++; index < merges_.size(); index = next_merge_++) {
        for (std::uint32_t i = 0; i < merges_[index].rows; ++i) {
            merge_row(merges_[index], i, partials, out);
        }
    }
}

void Attend::merge_row(const Merge & merge, std::uint32_t i, const float * partials, float * out) const {
    const std::size_t size = partial_size(merge.rows);
    const float * first = partials + merge.partial;
    float maximum = kNegativeInfinity;
    for (std::uint32_t part = 0; part < merge.parts; ++part) {
        maximum = std::max(maximum, first[part * size + i]);
    }
    float * to = output_row(unit_->spec, unit_->queries[merge.span], merge.kv_head, i, out);
    float * to_end = to + unit_->spec.value_size;
    std::fill(to, to_end, 0.0F);
    float sum = 0;
    for (std::uint32_t part = 0; part < merge.parts; ++part) {
        const float * partial = first + part * size;
        if (partial[i] == kNegativeInfinity) {
            continue;
        }
        const float factor = std::exp(partial[i] - maximum);
        sum += factor * partial[kQueryRows + i];
        const float * values = partial + std::size_t{2} * kQueryRows + i * padded(unit_->spec.value_size);
        std::transform(to, to_end, values, to, [&](float total, float x) { return total + factor * x; });
    }
    divide(to, to_end, sum, to);
}

}  // namespace snapkv::attention::cpu
