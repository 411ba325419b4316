#include "attention/cpu/attend.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/queries.h"
#include "attention/cpu/tile.h"

namespace snapkv::attention::cpu {

namespace {

/// Up to this many query rows a tile is not worth transposing.
constexpr std::uint32_t kFewRows = 16;

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

void Attend::zero_padding(float * out) const {
    const std::size_t size = std::size_t{unit_->spec.heads} * unit_->spec.value_size;
    for (const std::uint32_t row : padding_) {
        std::fill_n(out + row * size, size, 0.0F);
    }
}

}  // namespace snapkv::attention::cpu
