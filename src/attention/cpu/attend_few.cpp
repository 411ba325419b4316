#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/attend.h"
#include "attention/cpu/blocks.h"
#include "attention/cpu/chain_view.h"
#include "attention/cpu/merge_kernel.h"
#include "attention/cpu/row_kernel.h"
#include "kv/anchor.h"

namespace snapkv::attention::cpu {

namespace {

/// Cache rows of one piece of work: of a long view more, as each piece has partial results of its own. It depends on
/// nothing but the view's rows.
std::uint32_t rows_of_piece(std::uint32_t rows) {
    constexpr std::uint32_t kShort = 256;
    constexpr std::uint32_t kLong = 768;
    static_assert(kv::kAnchorRows % kLong == 0 && kLong % kShort == 0);
    constexpr std::uint32_t kLongView = 16384;
    return rows > kLongView ? kLong : kShort;
}

/// A sink is a logit that was seen before all rows and has no value: it counts in the sum once, in the first part.
void begin_with_sinks(const AttentionSpec & spec, std::uint32_t kv_head, std::uint32_t first, std::uint32_t rows,
                      const Partial & partial) {
    for (std::uint32_t i = 0; i < rows; ++i) {
        partial.maximum[i] = spec.sinks[std::size_t{kv_head} * spec.group() + (first + i) % spec.group()];
        partial.sum[i] = 1;
    }
}

}  // namespace

std::uint32_t tile_rows(const kv::LayerShape & shape) {
    constexpr std::size_t kBytes = 8192;
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(kBytes / shape.key_bytes() / 16 * 16, 16, kTile));
}

std::size_t Attend::partial_size(std::uint32_t rows) const {
    return std::size_t{2} * kQueryRows + rows * padded(unit_->spec.value_size);
}

void Attend::add_few(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows) {
    const auto before = static_cast<std::uint32_t>(few_.size());
    for (std::uint32_t first = 0; first < rows; first += kQueryRows) {
        few_.push_back({.span = span, .kv_head = kv_head, .first = first, .rows = std::min(kQueryRows, rows - first)});
    }
    // All blocks of query rows meet a block of the cache while it is near.
    const auto add_part = [&](std::uint32_t view, std::uint32_t begin, std::uint32_t end) {
        for (std::uint32_t few = before; few < few_.size(); ++few) {
            few_items_.push_back({few, few_[few].parts++, view, begin, end});
        }
    };
    const QuerySpan & queries = unit_->queries[span];
    const std::uint32_t views = chain_views(queries, kv_head);
    for (std::uint32_t view = 0; view < views; ++view) {
        const std::uint32_t rows = chain_view(queries, kv_head, view).total();
        const std::uint32_t step = rows_of_piece(rows);
        for (std::uint32_t begin = 0; begin < rows; begin += step) {
            add_part(view, begin, std::min(begin + step, rows));
        }
    }
    if (few_[before].parts == 0) {
        add_part(0, 0, 0);  // sees nothing: still has zeros to write
    }
    for (std::uint32_t few = before; few < few_.size(); ++few) {
        few_[few].unfinished = few_[few].parts;
        few_[few].partial = partial_floats_;
        partial_floats_ += few_[few].parts > 1 ? few_[few].parts * partial_size(few_[few].rows) : 0;
    }
}

void Attend::attend_few(const FewItem & item, const float * queries, float * out, float * scratch, float * partials) {
    Few & few = few_[item.few];
    const QuerySpan & span = unit_->queries[few.span];
    const std::size_t stride = padded(unit_->spec.value_size);
    float * own = scratch + tile_floats(unit_->spec) + kQueryRows * padded(unit_->spec.key_size);
    float * memory = few.parts > 1 ? partials + few.partial + item.part * partial_size(few.rows) : own;
    const Partial partial = empty_partial(memory, few.rows, stride);
    if (item.part == 0 && !unit_->spec.sinks.empty()) {
        begin_with_sinks(unit_->spec, few.kv_head, few.first, few.rows, partial);
    }
    if (item.end > item.begin) {
        Tile tile{.spec = &unit_->spec,
                  .type = unit_->shape.type,
                  .value_stride = unit_->shape.value_stride(),
                  .queries = queries,
                  .query_rows = few.rows};
        const Slopes slopes = slopes_of(unit_->spec, span, few.kv_head, few.first, few.rows);
        tile.slopes = unit_->spec.alibi_slopes.empty() ? nullptr : slopes.slopes.data();
        tile.query_positions = slopes.positions.data();
        const ChainView view = chain_view(span, few.kv_head, item.view);
        const std::uint32_t step = tile_rows(unit_->shape);
        const std::uint32_t own = std::clamp(view.rows.rows, item.begin, item.end);
        // All query rows share the tiles that no row of a tree lies in.
        const std::uint32_t shared = own == item.end ? own : item.begin + (own - item.begin) / step * step;
        const Visible visible = visible_rows(unit_->spec, span, few.first, few.rows, view.rows);
        for_tiles(*unit_, view.rows, visible, item.begin, shared, tile, partial, scratch, attend_rows, step);
        if (shared < item.end) {
            attend_paths(few, view, {shared, item.end}, tile, partial, scratch);
        }
    }
    if (few.parts == 1) {
        write_few(few, partial, out);
    } else if (std::atomic_ref(few.unfinished).fetch_sub(1, std::memory_order_acq_rel) == 1) {
        merge_parts({partials + few.partial, partial_size(few.rows), few.parts, few.rows, stride});
        write_few(few, partial_in(partials + few.partial, stride), out);
    }
}

/// What all rows of the cache left goes to the output.
void Attend::write_few(const Few & few, const Partial & partial, float * out) const {
    for (std::uint32_t i = 0; i < few.rows; ++i) {
        write_output(*unit_, unit_->queries[few.span], few.kv_head, few.first + i,
                     partial.values + i * partial.value_stride, partial.sum[i], out);
    }
}

}  // namespace snapkv::attention::cpu
