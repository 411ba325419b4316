#include "attention/cpu/attend.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "attention/cpu/instruction_sets.h"
#include "attention/cpu/queries.h"
#include "attention/cpu/tile.h"
#include "kv/rotate.h"

namespace snapkv::attention::cpu {

std::uint32_t few_tokens() {
    return has_avx512() ? 33 : 8;
}

std::size_t Attend::thread_floats() const {
    return std::max(tile_floats(unit_->spec) + kQueryRows * padded(unit_->spec.key_size) + partial_size(kQueryRows),
                    block_bytes_ / sizeof(float)) +
           gathered_floats_;
}

void Attend::prepare(const LayerUnit & unit, std::uint32_t chunk_rows, std::uint32_t threads) {
    unit_ = &unit;
    steps_ = &steps_for(unit.shape.type);
    block_bytes_ = 0;
    gathered_floats_ = 0;
    many_items_.clear();
    few_.clear();
    few_items_.clear();
    padding_.clear();
    partial_floats_ = 0;
    if (unit.spec.heads == 0) {
        return;  // a layer that does not attend
    }
    const std::uint32_t most = rows_per_block(threads);
    const std::uint32_t few = unit.prefill ? 0 : few_tokens();
    for (std::uint32_t span = 0; span < unit.queries.size(); ++span) {
        const std::uint32_t rows = unit.queries[span].count * unit.spec.group();
        if (unit.queries[span].tree) {
            assert(unit.queries[span].count <= few);
            gathered_floats_ = gathered_bytes(unit.shape) / sizeof(float) + 1;
        }
        assert(unit.prefill || unit.queries[span].row_sums == nullptr);
        for (std::uint32_t head = 0; head < unit.spec.kv_heads; ++head) {
            if (unit.queries[span].count <= few) {
                add_few(span, head, rows);
            } else {
                add_many(span, head, rows, most);
            }
        }
    }
    // The longest pieces, those of the last positions, first: threads then finish together.
    std::reverse(many_items_.begin(), many_items_.end());
    next_many_.store(0, std::memory_order_relaxed);
    few_shares_.reset(static_cast<std::uint32_t>(few_items_.size()), threads);
    find_padding(chunk_rows);
}

void Attend::find_padding(std::uint32_t chunk_rows) {
    padding_.clear();
    std::uint32_t covered_rows = 0;
    for (const QuerySpan & span : unit_->queries) {
        covered_rows += span.count;
    }
    if (covered_rows == chunk_rows) {
        return;
    }
    std::vector<bool> covered(chunk_rows);
    for (const QuerySpan & span : unit_->queries) {
        std::fill_n(covered.begin() + span.row, span.count, true);
    }
    for (std::uint32_t row = 0; row < chunk_rows; ++row) {
        if (!covered[row]) {
            padding_.push_back(row);
        }
    }
}

void Attend::attend(std::uint32_t thread, const float * q, float * out, float * scratch, float * partials) {
    if (thread == 0) {
        zero_padding(out);
    }
    const float * queries = nullptr;
    std::optional<std::uint32_t> packed;  // the few rows whose queries are at hand
    while (!unit_->stopped()) {
        const std::optional<std::uint32_t> index = few_shares_.take(thread);
        if (!index) {
            break;
        }
        const FewItem & item = few_items_[*index];
        if (packed != item.few) {
            const Few & few = few_[item.few];
            queries = pack(q, few.span, few.kv_head, few.first, few.rows, scratch);
            packed = item.few;
        }
        attend_few(item, queries, out, scratch, partials);
    }
    for (std::size_t index = next_many_++; index < many_items_.size() && !unit_->stopped(); index = next_many_++) {
        attend_many(many_items_[index], q, out, scratch);
    }
}

const float * Attend::pack(const float * q, std::uint32_t span, std::uint32_t kv_head, std::uint32_t first,
                           std::uint32_t count, float * scratch) const {
    float * queries = scratch + tile_floats(unit_->spec);
    const float * of_span = q + std::size_t{unit_->queries[span].row} * unit_->spec.heads * unit_->spec.key_size;
    pack_queries(unit_->spec, of_span, kv_head, first, count, queries);
    if (is_quantised(unit_->shape.type.key)) {
        for (std::uint32_t i = 0; i < count; ++i) {
            kv::rotate(queries + i * padded(unit_->spec.key_size), unit_->spec.key_size,
                       kv::key_rotation(unit_->shape));
        }
    }
    return queries;
}

void Attend::zero_padding(float * out) const {
    const std::size_t size = std::size_t{unit_->spec.heads} * unit_->spec.value_size;
    for (const std::uint32_t row : padding_) {
        std::fill_n(out + row * size, size, 0.0F);
    }
}

}  // namespace snapkv::attention::cpu
