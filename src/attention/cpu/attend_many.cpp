#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/attend.h"
#include "attention/cpu/blocks.h"
#include "attention/cpu/tile_kernel.h"

namespace snapkv::attention::cpu {

void Attend::add_many(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows) {
    for (std::uint32_t first = 0; first < rows; first += kQueryRows) {
        many_items_.push_back(
            {.span = span, .kv_head = kv_head, .first = first, .count = std::min(kQueryRows, rows - first)});
    }
}

void Attend::attend_many(const ManyItem & item, const float * q, float * out, float * scratch) const {
    const QuerySpan & span = unit_->queries[item.span];
    const std::size_t stride = padded(unit_->spec.value_size);
    float * memory = scratch + tile_floats(unit_->spec) + kQueryRows * padded(unit_->spec.key_size);
    const Partial partial = empty_partial(memory, item.count, stride);
    const float * queries = pack(q, item.span, item.kv_head, item.first, item.count, scratch);
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

}  // namespace snapkv::attention::cpu
