#include "attention/cpu/column_sums.h"

#include <algorithm>
#include <cassert>

#include "attention/cpu/carver.h"
#include "attention/cpu/query_block.h"
#include "attention/cpu/tile_rows.h"
#include "attention/cpu/vote_kernel.h"

namespace snapkv::attention::cpu {

/// One thread's scratch, and its work on tiles.
class ColumnSums::Worker {
public:
    Worker(const LayerUnit & unit, const TileSteps & steps, Carver carver)
        : unit_(unit),
          steps_(steps),
          tile_(steps, unit, carver),
          columns_(carver.floats(std::size_t{unit.spec.group()} * steps.tile)),
          rest_(carver) {}

    void add(const Tile & tile, const float * q) {
        const QuerySpan & span = unit_.queries[tile.span];
        const kv::HeadRows & view = span.rows[tile.kv_head][tile.view];
        const std::uint32_t group = unit_.spec.group();
        tile_.pack_keys(view, tile.row, tile.rows);
        exchange(tile, [](float & column, float & sum) { column = sum; });
        const float * of_span = q + std::size_t{span.row} * unit_.spec.heads * unit_.spec.key_size;
        const std::uint32_t rows = span.count * group;
        for (std::uint32_t first = 0; first < rows; first += kStripRows) {
            Carver carver = rest_;
            const RowRange range{tile.kv_head, first, std::min(kStripRows, rows - first)};
            const QueryBlock queries(steps_, unit_, span, range, carver);
            const auto [begin, end] = queries.see(view);
            if (begin < tile.row + tile.rows && tile.row < end) {
                queries.pack(of_span);
                add_strip(queries, queries.strip(0, tile.row, tile.rows), span);
            }
        }
        exchange(tile, [](float & column, float & sum) { sum = column; });
    }

    /// What of `carver` a worker takes.
    static std::size_t bytes(const LayerUnit & unit, const TileSteps & steps) {
        const Worker counted(unit, steps, Carver(nullptr));
        Carver carver = counted.rest_;
        const QuerySpan nobody;
        const QueryBlock strip(steps, unit, nobody, {.count = kStripRows}, carver);
        return carver.taken();
    }

private:
    /// body(column, sum) for each column of the tile and its place among the span's sums.
    template <typename Body>
    void exchange(const Tile & tile, const Body & body) const {
        const QuerySpan & span = unit_.queries[tile.span];
        const kv::HeadRows & view = span.rows[tile.kv_head][tile.view];
        const std::uint32_t group = unit_.spec.group();
        for (std::uint32_t g = 0; g < group; ++g) {
            float * columns = columns_ + std::size_t{g} * steps_.tile;
            float * sums = span.column_sums + (std::size_t{tile.kv_head} * group + g) * span.column_stride;
            for (std::uint32_t i = 0; i < tile.rows; ++i) {
                body(columns[i], sums[index_of(view.position(tile.row + i))]);
            }
        }
    }

    void add_strip(const QueryBlock & queries, const Strip & strip, const QuerySpan & span) const {
        queries.multiply(strip, 0, tile_);
        const std::uint32_t group = unit_.spec.group();
        for (std::uint32_t i = 0; i < strip.rows; ++i) {
            const std::uint32_t begin = std::max(strip.begin[i], strip.first);
            const std::uint32_t end = std::min(strip.end[i], strip.last);
            if (begin >= end) {
                continue;
            }
            float * logits = strip.logits + std::size_t{i} * steps_.tile;
            const std::uint32_t first = begin / steps_.panel * steps_.panel;
            const std::uint32_t last = (end + steps_.panel - 1) / steps_.panel * steps_.panel;
            std::fill(logits + first, logits + begin, kNothingSeen);
            std::fill(logits + end, logits + last, kNothingSeen);
            const std::uint32_t head = queries.head(i);
            const RowSum & total = span.row_sums[std::size_t{queries.token(i)} * unit_.spec.heads + head];
            add_weights(logits + first, last - first, total.reference, 1.0F / total.sum,
                        columns_ + std::size_t{head % group} * steps_.tile + first);
        }
    }

    const LayerUnit & unit_;
    const TileSteps & steps_;
    TileRows tile_;
    float * columns_;  ///< [group][tile]
    Carver rest_;      ///< for a strip of queries
};

void ColumnSums::prepare(const LayerUnit & unit) {
    unit_ = &unit;
    tiles_.clear();
    next_.store(0, std::memory_order_relaxed);
    if (!unit.sums_columns()) {
        return;
    }
    steps_ = &steps_for(unit.shape.type);
    for (std::uint32_t span = 0; span < unit.queries.size(); ++span) {
        const QuerySpan & of_span = unit.queries[span];
        assert(of_span.column_sums == nullptr || of_span.row_sums != nullptr);
        for (std::uint32_t head = 0; head < unit.spec.kv_heads && of_span.column_sums != nullptr; ++head) {
            for (std::uint32_t view = 0; view < of_span.rows[head].size(); ++view) {
                const std::uint32_t rows = of_span.rows[head][view].rows;
                for (std::uint32_t row = 0; row < rows; row += steps_->tile) {
                    tiles_.push_back({span, head, view, row, std::min(steps_->tile, rows - row)});
                }
            }
        }
    }
}

std::size_t ColumnSums::thread_floats() const {
    return tiles_.empty() ? 0 : Worker::bytes(*unit_, *steps_) / sizeof(float);
}

void ColumnSums::add(const float * q, float * scratch) {
    if (tiles_.empty()) {
        return;
    }
    Worker worker(*unit_, *steps_, Carver(reinterpret_cast<std::byte *>(scratch)));
    for (std::size_t index = next_++; index < tiles_.size() && !unit_->stopped(); index = next_++) {
        worker.add(tiles_[index], q);
    }
}

}  // namespace snapkv::attention::cpu
