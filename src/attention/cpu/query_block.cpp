#include "attention/cpu/query_block.h"

#include <algorithm>

#include "attention/cpu/adjust.h"
#include "attention/cpu/tile.h"
#include "kv/rotate.h"

namespace snapkv::attention::cpu {

namespace {

std::uint32_t round_up(std::uint32_t value, std::uint32_t step) {
    return (value + step - 1) / step * step;
}

}  // namespace

QueryBlock::QueryBlock(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
                       Carver & carver)
    : steps_(steps),
      unit_(unit),
      span_(span),
      range_(range),
      rows_(round_up(range.count, steps.row_step)),
      queries_(carver.bytes(rows_ * padded(unit.spec.key_size) * steps.element)),
      logits_(carver.floats(std::size_t{kStripRows} * steps.tile)),
      begin_(carver.indices(rows_)),
      end_(carver.indices(rows_)),
      tile_begin_(carver.indices(kStripRows)),
      tile_end_(carver.indices(kStripRows)),
      rotated_(carver.floats(unit.spec.key_size)) {}

void QueryBlock::pack(const float * q) const {
    const AttentionSpec & spec = unit_.spec;
    const std::size_t row_bytes = padded(spec.key_size) * steps_.element;
    const float factor = query_factor(spec);
    for (std::uint32_t i = 0; i < range_.count; ++i) {
        const float * row = q + (std::size_t{token(i)} * spec.heads + head(i)) * spec.key_size;
        if (is_quantised(unit_.shape.type.key)) {
            std::copy_n(row, spec.key_size, rotated_);
            kv::rotate(rotated_, spec.key_size, kv::key_rotation(unit_.shape));
            row = rotated_;
        }
        steps_.pack_query(row, spec.key_size, factor, queries_ + i * row_bytes);
    }
    std::fill(queries_ + range_.count * row_bytes, queries_ + rows_ * row_bytes, std::byte{});
}

QueryBlock::Range QueryBlock::see(const kv::HeadRows & view) const {
    const std::uint32_t window = unit_.spec.sliding_window;
    Range all{view.rows, 0};
    for (std::uint32_t i = 0; i < range_.count; ++i) {
        const std::uint32_t position = index_of(span_.first) + token(i);
        const bool cut = window > 0 && position >= window;
        begin_[i] = cut ? view.count_up_to(Position{position - window}) : 0;
        end_[i] = view.count_up_to(Position{position});
        all = {std::min(all.first, begin_[i]), std::max(all.last, end_[i])};
    }
    std::fill(begin_ + range_.count, begin_ + rows_, 0);
    std::fill(end_ + range_.count, end_ + rows_, 0);
    return all;
}

Strip QueryBlock::strip(std::uint32_t first, std::uint32_t row, std::uint32_t rows) const {
    const std::uint32_t count = std::min(kStripRows, rows_ - first);
    Range columns{rows, 0};
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t begin = std::clamp(begin_[first + i], row, row + rows) - row;
        const std::uint32_t end = std::clamp(end_[first + i], row, row + rows) - row;
        tile_begin_[i] = begin;
        tile_end_[i] = end;
        if (begin < end) {
            columns = {std::min(columns.first, begin), std::max(columns.last, end)};
        }
    }
    return {.queries = queries_ + first * padded(unit_.spec.key_size) * steps_.element,
            .rows = count,
            .first = columns.first / steps_.panel * steps_.panel,
            .last = round_up(columns.last, steps_.panel),
            .begin = tile_begin_,
            .end = tile_end_,
            .logits = logits_};
}

void QueryBlock::multiply(const Strip & strip, std::uint32_t first, const TileRows & tile) const {
    const AttentionSpec & spec = unit_.spec;
    steps_.logits(strip, tile.keys(), spec.key_size);
    if (spec.soft_cap <= 0 && spec.alibi_slopes.empty()) {
        return;
    }
    for (std::uint32_t i = 0; i < std::min(strip.rows, range_.count - first); ++i) {
        adjust_logits(spec, head(first + i), index_of(span_.first) + token(first + i), tile.positions() + strip.first,
                      strip.logits + i * steps_.tile + strip.first, strip.last - strip.first);
    }
}

}  // namespace snapkv::attention::cpu
