#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "attention/cpu/attend.h"
#include "attention/cpu/blocks.h"
#include "attention/cpu/row_kernel.h"

namespace snapkv::attention::cpu {

namespace {

/// Cache rows of one piece of work.
constexpr std::uint32_t kRowBlock = 256;
constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

}  // namespace

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

void Attend::attend_few(const Item & item, const float * queries, float * partial_memory, float * scratch) const {
    const QuerySpan & span = unit_->queries[item.span];
    const Partial partial = empty_partial(partial_memory, item.count, padded(unit_->spec.value_size));
    const Tile tile{.spec = &unit_->spec, .type = unit_->shape.type, .queries = queries, .query_rows = item.count};
    const kv::HeadRows & view = span.rows[item.kv_head][item.view];
    const Visible visible = visible_rows(unit_->spec, span, 0, item.count, view);
    for_tiles(*unit_, view, visible, item.begin, item.end, tile, partial, scratch, attend_rows);
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
