#include "attention/cpu/row_block.h"

#include <algorithm>
#include <cassert>

#include "attention/cpu/adjust.h"
#include "attention/cpu/tile.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention::cpu {

namespace {

constexpr std::size_t kLine = 64;

std::size_t whole_lines(std::size_t bytes) {
    return (bytes + kLine - 1) / kLine * kLine;
}

std::uint32_t round_up(std::uint32_t value, std::uint32_t step) {
    return (value + step - 1) / step * step;
}

/// Hands out the scratch piece by piece; from null on it counts what would be needed.
class Carver {
public:
    explicit Carver(std::byte * begin) : at_(begin) {}

    std::byte * bytes(std::size_t count) {
        std::byte * piece = at_;
        taken_ += whole_lines(count);
        at_ = at_ == nullptr ? nullptr : at_ + whole_lines(count);
        return piece;
    }
    float * floats(std::size_t count) { return reinterpret_cast<float *>(bytes(count * sizeof(float))); }
    std::uint32_t * indices(std::size_t count) {
        return reinterpret_cast<std::uint32_t *>(bytes(count * sizeof(std::uint32_t)));
    }
    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    std::byte * at_;
    std::size_t taken_ = 0;
};

struct Buffers {
    Buffers(const TileSteps & steps, const AttentionSpec & spec, std::uint32_t rows, Carver & carver)
        : queries(carver.bytes(rows * padded(spec.key_size) * steps.element)),
          keys(carver.bytes(steps.tile * padded(spec.key_size) * steps.element)),
          packed_values(carver.bytes(steps.tile * padded(spec.value_size) * steps.element)),
          logits(carver.floats(std::size_t{kStripRows} * steps.tile)),
          reference(carver.floats(rows)),
          sums(carver.floats(std::size_t{rows} * kSumParts)),
          values(carver.floats(rows * padded(spec.value_size))),
          begin(carver.indices(rows)),
          end(carver.indices(rows)),
          tile_begin(carver.indices(kStripRows)),
          tile_end(carver.indices(kStripRows)),
          positions(carver.floats(spec.alibi_slopes.empty() ? 0 : steps.tile)),
          widened(carver.floats(std::size_t{steps.tile} * std::max(spec.key_size, spec.value_size))) {}

    std::byte * queries;
    std::byte * keys;
    std::byte * packed_values;
    float * logits;
    float * reference;
    float * sums;
    float * values;
    std::uint32_t * begin;  ///< what each query row sees of the view
    std::uint32_t * end;
    std::uint32_t * tile_begin;  ///< and of the tile
    std::uint32_t * tile_end;
    float * positions;  ///< of the tile's rows, where there are slopes
    float * widened;    ///< a row of queries, or a tile's rows, where those of the cache are quantised
};

class Block {
public:
    Block(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
          Carver & carver)
        : steps_(steps),
          unit_(unit),
          spec_(unit.spec),
          span_(span),
          range_(range),
          rows_(round_up(range.count, steps.row_step)),
          buffers_(steps, unit.spec, rows_, carver) {
        std::fill_n(buffers_.reference, rows_, kNothingSeen);
        std::fill_n(buffers_.sums, std::size_t{rows_} * kSumParts, 0.0F);
        std::fill_n(buffers_.values, rows_ * padded(spec_.value_size), 0.0F);
    }

    void pack_queries(const float * q) const {
        const std::size_t row_bytes = padded(spec_.key_size) * steps_.element;
        const float factor = query_factor(spec_);
        for (std::uint32_t i = 0; i < range_.count; ++i) {
            const float * row = q + (std::size_t{token(i)} * spec_.heads + head(i)) * spec_.key_size;
            if (is_quantised(unit_.shape.type.key)) {
                std::copy_n(row, spec_.key_size, buffers_.widened);
                kv::rotate(buffers_.widened, spec_.key_size, kv::key_rotation(unit_.shape));
                row = buffers_.widened;
            }
            steps_.pack_query(row, spec_.key_size, factor, buffers_.queries + i * row_bytes);
        }
        std::fill(buffers_.queries + range_.count * row_bytes, buffers_.queries + rows_ * row_bytes, std::byte{});
    }

    void attend(const kv::HeadRows & view) const {
        const auto [first, last] = see(view);
        for (std::uint32_t row = first / steps_.tile * steps_.tile; row < last && !unit_.stopped();
             row += steps_.tile) {
            attend_tile(view, row, std::min(steps_.tile, last - row));
        }
    }

    void write(float * out) const {
        for (std::uint32_t i = 0; i < range_.count; ++i) {
            float sum = sink_share(spec_, head(i), buffers_.reference[i]);
            for (std::uint32_t part = 0; part < kSumParts; ++part) {
                sum += buffers_.sums[std::size_t{i} * kSumParts + part];
            }
            const float factor = sum > 0 ? 1.0F / sum : 0.0F;
            const float * values = buffers_.values + i * padded(spec_.value_size);
            float * to = out + ((std::size_t{span_.row} + token(i)) * spec_.heads + head(i)) * spec_.value_size;
            std::transform(values, values + spec_.value_size, to, [&](float x) { return x * factor; });
            if (is_quantised(unit_.shape.type.value)) {
                kv::rotate(to, spec_.value_size, kv::value_rotation(unit_.shape));
            }
        }
    }

private:
    struct Range {
        std::uint32_t first;
        std::uint32_t last;
    };

    [[nodiscard]] std::uint32_t token(std::uint32_t i) const { return (range_.first + i) / spec_.group(); }
    [[nodiscard]] std::uint32_t head(std::uint32_t i) const {
        return range_.kv_head * spec_.group() + (range_.first + i) % spec_.group();
    }

    /// Notes which rows of the view each query row sees; returns the union.
    [[nodiscard]] Range see(const kv::HeadRows & view) const {
        Range all{view.rows, 0};
        for (std::uint32_t i = 0; i < range_.count; ++i) {
            const std::uint32_t position = index_of(span_.first) + token(i);
            const bool cut = spec_.sliding_window > 0 && position >= spec_.sliding_window;
            buffers_.begin[i] = cut ? view.count_up_to(Position{position - spec_.sliding_window}) : 0;
            buffers_.end[i] = view.count_up_to(Position{position});
            all = {std::min(all.first, buffers_.begin[i]), std::max(all.last, buffers_.end[i])};
        }
        std::fill(buffers_.begin + range_.count, buffers_.begin + rows_, 0);
        std::fill(buffers_.end + range_.count, buffers_.end + rows_, 0);
        return all;
    }

    /// Rows `stride` bytes apart as they lie in the cache; quantised ones as floats, rotated as they lie there.
    [[nodiscard]] StoredRows stored(const std::byte * data, std::uint32_t rows, std::uint32_t size, KvType type,
                                    std::size_t stride) const {
        if (!is_quantised(type)) {
            return {data, rows, size, type, stride};
        }
        for (std::uint32_t row = 0; row < rows; ++row) {
            kv::dequantise(data + row * stride, size, type, buffers_.widened + std::size_t{row} * size);
        }
        return {reinterpret_cast<const std::byte *>(buffers_.widened), rows, size, KvType::F32, size * sizeof(float)};
    }

    void attend_tile(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows) const {
        const kv::LayerShape & shape = unit_.shape;
        steps_.pack_keys(
            stored(view.keys + row * shape.key_bytes(), rows, shape.key_size, shape.type.key, shape.key_bytes()),
            buffers_.keys);
        steps_.pack_values(stored(view.values + row * shape.value_stride(), rows, shape.value_size, shape.type.value,
                                  shape.value_stride()),
                           buffers_.packed_values);
        for (std::uint32_t i = 0; i < rows && !spec_.alibi_slopes.empty(); ++i) {
            buffers_.positions[i] = static_cast<float>(index_of(view.position(row + i)));
        }
        for (std::uint32_t first = 0; first < rows_; first += kStripRows) {
            attend_strip(first, std::min(kStripRows, rows_ - first), row, rows);
        }
    }

    /// Query rows [first, first + count) against the packed tile, which holds the view's rows from `row` on.
    void attend_strip(std::uint32_t first, std::uint32_t count, std::uint32_t row, std::uint32_t rows) const {
        Range columns{rows, 0};
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t begin = std::clamp(buffers_.begin[first + i], row, row + rows) - row;
            const std::uint32_t end = std::clamp(buffers_.end[first + i], row, row + rows) - row;
            buffers_.tile_begin[i] = begin;
            buffers_.tile_end[i] = end;
            if (begin < end) {
                columns = {std::min(columns.first, begin), std::max(columns.last, end)};
            }
        }
        if (columns.first >= columns.last) {
            return;
        }
        const std::size_t stride = padded(spec_.value_size);
        const Strip strip{.queries = buffers_.queries + first * padded(spec_.key_size) * steps_.element,
                          .rows = count,
                          .first = columns.first / steps_.panel * steps_.panel,
                          .last = round_up(columns.last, steps_.panel),
                          .begin = buffers_.tile_begin,
                          .end = buffers_.tile_end,
                          .logits = buffers_.logits,
                          .reference = buffers_.reference + first,
                          .sums = buffers_.sums + std::size_t{first} * kSumParts,
                          .values = buffers_.values + first * stride,
                          .value_stride = stride};
        steps_.logits(strip, buffers_.keys, spec_.key_size);
        if (spec_.soft_cap > 0 || !spec_.alibi_slopes.empty()) {
            adjust(strip, first);
        }
        steps_.weigh(strip);
        steps_.accumulate(strip, buffers_.packed_values, spec_.value_size);
    }

    /// Cap and slopes; `first` is the strip's first query row.
    void adjust(const Strip & strip, std::uint32_t first) const {
        for (std::uint32_t i = 0; i < std::min(strip.rows, range_.count - first); ++i) {
            adjust_logits(spec_, head(first + i), index_of(span_.first) + token(first + i),
                          buffers_.positions + strip.first, strip.logits + i * steps_.tile + strip.first,
                          strip.last - strip.first);
        }
    }

    const TileSteps & steps_;
    const LayerUnit & unit_;
    const AttentionSpec & spec_;
    const QuerySpan & span_;
    RowRange range_;
    std::uint32_t rows_;  ///< with padding
    Buffers buffers_;
};

}  // namespace

std::size_t row_block_bytes(const TileSteps & steps, const AttentionSpec & spec, std::uint32_t rows) {
    Carver carver(nullptr);
    const Buffers counted(steps, spec, round_up(rows, steps.row_step), carver);
    return carver.taken();
}

void attend_block(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
                  const float * q, float * out, std::byte * scratch) {
    assert(range.count > 0);
    Carver carver(scratch);
    const Block block(steps, unit, span, range, carver);
    block.pack_queries(q);
    for (const kv::HeadRows & view : span.rows[range.kv_head]) {
        block.attend(view);
    }
    block.write(out);
}

}  // namespace snapkv::attention::cpu
