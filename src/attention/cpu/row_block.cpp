#include "attention/cpu/row_block.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "attention/cpu/adjust.h"
#include "attention/cpu/carver.h"
#include "attention/cpu/tile.h"
#include "attention/cpu/tile_rows.h"
#include "kv/rotate.h"

namespace snapkv::attention::cpu {

namespace {

/// A block's running softmax.
class Block {
public:
    Block(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
          Carver & carver)
        : steps_(steps),
          unit_(unit),
          spec_(unit.spec),
          span_(span),
          range_(range),
          queries_(steps, unit, span, range, carver),
          tile_(steps, unit, carver),
          packed_values_(carver.bytes(steps.tile * padded(spec_.value_size) * steps.element)),
          reference_(carver.floats(queries_.rows())),
          sums_(carver.floats(std::size_t{queries_.rows()} * kSumParts)),
          values_(carver.floats(queries_.rows() * padded(spec_.value_size))) {}

    void begin(const float * q) const {
        std::fill_n(reference_, queries_.rows(), kNothingSeen);
        std::fill_n(sums_, std::size_t{queries_.rows()} * kSumParts, 0.0F);
        std::fill_n(values_, queries_.rows() * padded(spec_.value_size), 0.0F);
        queries_.pack(q);
    }

    void attend(const kv::HeadRows & view) const {
        const auto [first, last] = queries_.see(view);
        for (std::uint32_t row = first / steps_.tile * steps_.tile; row < last && !unit_.stopped();
             row += steps_.tile) {
            attend_tile(view, row, std::min(steps_.tile, last - row));
        }
    }

    void write(float * out) const {
        for (std::uint32_t i = 0; i < range_.count; ++i) {
            const std::uint32_t head = queries_.head(i);
            const float * parts = sums_ + std::size_t{i} * kSumParts;
            const float sum = std::accumulate(parts, parts + kSumParts, sink_share(spec_, head, reference_[i]));
            if (span_.row_sums != nullptr) {
                span_.row_sums[std::size_t{queries_.token(i)} * spec_.heads + head] = {reference_[i], sum};
            }
            const float factor = sum > 0 ? 1.0F / sum : 0.0F;
            const float * values = values_ + i * padded(spec_.value_size);
            const std::size_t row = std::size_t{span_.row} + queries_.token(i);
            float * to = out + (row * spec_.heads + head) * spec_.value_size;
            std::transform(values, values + spec_.value_size, to, [&](float x) { return x * factor; });
            if (is_quantised(unit_.shape.type.value)) {
                kv::rotate(to, spec_.value_size, kv::value_rotation(unit_.shape));
            }
        }
    }

private:
    void attend_tile(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows) const {
        tile_.pack_keys(view, row, rows);
        tile_.pack_values(view, row, rows, packed_values_);
        for (std::uint32_t first = 0; first < queries_.rows(); first += kStripRows) {
            attend_strip(first, row, rows);
        }
    }

    /// The strip from query row `first` on against the packed tile, which holds the view's rows from `row` on.
    void attend_strip(std::uint32_t first, std::uint32_t row, std::uint32_t rows) const {
        Strip strip = queries_.strip(first, row, rows);
        if (strip.first >= strip.last) {
            return;
        }
        const std::size_t stride = padded(spec_.value_size);
        strip.reference = reference_ + first;
        strip.sums = sums_ + std::size_t{first} * kSumParts;
        strip.values = values_ + first * stride;
        strip.value_stride = stride;
        queries_.multiply(strip, first, tile_);
        steps_.weigh(strip);
        steps_.accumulate(strip, packed_values_, spec_.value_size);
    }

    const TileSteps & steps_;
    const LayerUnit & unit_;
    const AttentionSpec & spec_;
    const QuerySpan & span_;
    RowRange range_;
    QueryBlock queries_;
    TileRows tile_;
    std::byte * packed_values_;
    float * reference_;
    float * sums_;
    float * values_;
};

}  // namespace

std::size_t row_block_bytes(const TileSteps & steps, const LayerUnit & unit, std::uint32_t rows) {
    Carver carver(nullptr);
    const QuerySpan nobody;
    const Block counted(steps, unit, nobody, {.count = rows}, carver);
    return carver.taken();
}

void attend_block(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
                  const float * q, float * out, std::byte * scratch) {
    assert(range.count > 0);
    Carver carver(scratch);
    const Block block(steps, unit, span, range, carver);
    block.begin(q);
    for (const kv::HeadRows & view : span.rows[range.kv_head]) {
        block.attend(view);
    }
    block.write(out);
}

}  // namespace snapkv::attention::cpu
