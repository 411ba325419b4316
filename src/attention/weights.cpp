#include "attention/weights.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "attention/cpu/adjust.h"
#include "attention/cpu/tile.h"
#include "attention/cpu/tile_steps.h"
#include "attention/cpu/vote_kernel.h"
#include "base/block.h"

namespace snapkv::attention {

namespace {

/// Rows of logits begin at multiples of this many: whole vectors of any instruction set.
constexpr std::size_t kLineFloats = 16;

/// Strips of query rows over all rows of one KV head.
class Visitor {
public:
    Visitor(const WeightsInput & input, std::uint32_t kv_head)
        : input_(input),
          spec_(input.spec),
          kv_head_(kv_head),
          steps_(cpu::f32_steps()),
          strip_rows_((std::min(cpu::kStripRows, input.count * spec_.group()) + steps_.row_step - 1) / steps_.row_step *
                      steps_.row_step),
          stride_((input.n + kLineFloats - 1) / kLineFloats * kLineFloats),
          queries_(floats(strip_rows_ * cpu::padded(spec_.key_size))),
          keys_(floats(steps_.tile * cpu::padded(spec_.key_size))),
          tile_(floats(std::size_t{strip_rows_} * steps_.tile)),
          positions_(steps_.tile),
          logits_(floats(strip_rows_ * stride_)),
          weights_(floats(stride_)) {
        std::fill_n(logits_.floats(), strip_rows_ * stride_, cpu::kNothingSeen);  // and so where there is no row
    }

    /// False where the visit is to end.
    bool strip(std::uint32_t first, const VisitWeights & visit) {
        const std::uint32_t rows = std::min(cpu::kStripRows, input_.count * spec_.group() - first);
        pack_queries(first, rows);
        for (const kv::HeadRows & view : input_.rows[kv_head_]) {
            for (std::uint32_t row = 0; row < view.rows; row += steps_.tile) {
                if (input_.halt != nullptr && input_.halt->stopped()) {
                    return false;
                }
                multiply(view, row, first, rows);
            }
        }
        for (std::uint32_t i = 0; i < rows; ++i) {
            const std::uint32_t at = position(first + i);
            normalise(logits_.floats() + i * stride_, head(first + i), at);
            if (!visit(head(first + i), Position{at}, {weights_.floats(), std::size_t{at} + 1})) {
                return false;
            }
        }
        return true;
    }

private:
    [[nodiscard]] Block floats(std::size_t count) const { return {count * sizeof(float), input_.work}; }
    [[nodiscard]] std::uint32_t position(std::uint32_t query_row) const {
        return input_.n - input_.count + query_row / spec_.group();
    }
    [[nodiscard]] std::uint32_t head(std::uint32_t query_row) const {
        return kv_head_ * spec_.group() + query_row % spec_.group();
    }

    void pack_queries(std::uint32_t first, std::uint32_t rows) {
        const std::size_t depth = cpu::padded(spec_.key_size);
        std::fill_n(queries_.floats(), strip_rows_ * depth, 0.0F);
        for (std::uint32_t i = 0; i < rows; ++i) {
            const std::uint32_t row = first + i;
            const float * from =
                input_.queries + (std::size_t{row / spec_.group()} * spec_.heads + head(row)) * spec_.key_size;
            steps_.pack_query(from, spec_.key_size, cpu::query_factor(spec_),
                              reinterpret_cast<std::byte *>(queries_.floats() + i * depth));
        }
    }

    /// The strip's logits against the tile that begins at the view's `row`, each to the column of its position.
    void multiply(const kv::HeadRows & view, std::uint32_t row, std::uint32_t first, std::uint32_t rows) {
        const std::uint32_t columns = std::min(steps_.tile, view.rows - row);
        const std::size_t stride = input_.shape.key_bytes();
        steps_.pack_keys({view.keys + row * stride, columns, spec_.key_size, input_.shape.type.key, stride},
                         keys_.data());
        for (std::uint32_t column = 0; column < columns; ++column) {
            positions_[column] = static_cast<float>(index_of(view.position(row + column)));
        }
        const std::uint32_t padded = (columns + steps_.panel - 1) / steps_.panel * steps_.panel;
        const cpu::Strip strip{.queries = queries_.data(),
                               .rows = (rows + steps_.row_step - 1) / steps_.row_step * steps_.row_step,
                               .first = 0,
                               .last = padded,
                               .logits = tile_.floats()};
        steps_.logits(strip, keys_.data(), spec_.key_size);
        for (std::uint32_t i = 0; i < rows; ++i) {
            float * from = tile_.floats() + std::size_t{i} * steps_.tile;
            cpu::adjust_logits(spec_, head(first + i), position(first + i), positions_.data(), from, padded);
            float * to = logits_.floats() + i * stride_;
            for (std::uint32_t column = 0; column < columns; ++column) {
                to[index_of(view.position(row + column))] = from[column];
            }
        }
    }

    /// weights_ = the softmax of one row's logits to base 2, of what the query at position `at` sees.
    void normalise(float * logits, std::uint32_t of_head, std::uint32_t at) {
        const bool cut = spec_.sliding_window > 0 && at >= spec_.sliding_window;
        const std::uint32_t begin = cut ? at - spec_.sliding_window + 1 : 0;
        std::fill(logits, logits + begin, cpu::kNothingSeen);
        std::fill(logits + at + 1, logits + stride_, cpu::kNothingSeen);
        const float reference = *std::max_element(logits + begin, logits + at + 1);
        float * weights = weights_.floats();
        std::fill_n(weights, stride_, 0.0F);
        cpu::add_weights(logits, stride_, reference, 1.0F, weights);
        const double sum = std::accumulate(weights, weights + at + 1, 0.0) + cpu::sink_share(spec_, of_head, reference);
        const auto factor = static_cast<float>(1 / sum);
        std::for_each(weights, weights + at + 1, [factor](float & weight) { weight *= factor; });
    }

    const WeightsInput & input_;
    const AttentionSpec & spec_;
    std::uint32_t kv_head_;
    const cpu::TileSteps & steps_;
    std::uint32_t strip_rows_;  ///< of the longest strip, padded
    std::size_t stride_;        ///< floats of a row of logits
    Block queries_;
    Block keys_;
    Block tile_;
    std::vector<float> positions_;
    Block logits_;
    Block weights_;
};

}  // namespace

void visit_weights(const WeightsInput & input, std::uint32_t kv_head, const VisitWeights & visit) {
    assert(input.count <= input.n && kv_head < input.rows.size());
    Visitor visitor(input, kv_head);
    for (std::uint32_t first = 0; first < input.count * input.spec.group(); first += cpu::kStripRows) {
        if (!visitor.strip(first, visit)) {
            return;
        }
    }
}

}  // namespace snapkv::attention
