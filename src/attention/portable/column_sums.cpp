#include "attention/portable/column_sums.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "attention/portable/plan.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention::portable {

namespace {

/// Rows whose keys are decoded together.
constexpr std::uint32_t kRows = 64;

/// The queries of one head of a span against all rows that they see.
class HeadQueries {
public:
    HeadQueries(const LayerUnit & unit, const QuerySpan & span, std::uint32_t head, const float * q)
        : unit_(unit),
          spec_(unit.spec),
          span_(span),
          head_(head),
          queries_(q + (std::size_t{span.row} * spec_.heads + head) * spec_.key_size),
          keys_(std::size_t{kRows} * spec_.key_size) {}

    /// body(query, position of a row, logit to base 2), a few rows at a time, and of these the queries in ascending
    /// positions.
    template <typename Body>
    void for_logits(const Body & body) {
        for (const kv::HeadRows & view : span_.rows[head_ / spec_.group()]) {
            for (std::uint32_t row = 0; row < view.rows && !unit_.stopped(); row += kRows) {
                const std::uint32_t end = std::min(row + kRows, view.rows);
                decode(view, row, end);
                for (std::uint32_t query = 0; query < span_.count; ++query) {
                    const Piece seen = visible(spec_, view, span_.first + query);
                    for (std::uint32_t at = std::max(seen.begin, row); at < std::min(seen.end, end); ++at) {
                        const std::uint32_t position = index_of(view.position(at));
                        body(query, position,
                             logit(query, keys_.data() + std::size_t{at - row} * spec_.key_size, position));
                    }
                }
            }
        }
    }

    [[nodiscard]] RowSum & row_sum(std::uint32_t query) const {
        return span_.row_sums[std::size_t{query} * spec_.heads + head_];
    }

private:
    void decode(const kv::HeadRows & view, std::uint32_t begin, std::uint32_t end) {
        const kv::LayerShape & shape = unit_.shape;
        for (std::uint32_t row = begin; row < end; ++row) {
            kv::decode_row(view.keys + row * shape.key_bytes(), shape.key_size, shape.type.key, kv::key_rotation(shape),
                           keys_.data() + std::size_t{row - begin} * shape.key_size);
        }
    }

    [[nodiscard]] double logit(std::uint32_t query, const float * key, std::uint32_t position) const {
        const float * numbers = queries_ + std::size_t{query} * spec_.heads * spec_.key_size;
        double dot = 0;
        for (std::uint32_t k = 0; k < spec_.key_size; ++k) {
            dot += double{numbers[k]} * double{key[k]};
        }
        const double scaled = double{spec_.scale} * dot;
        const double cap = spec_.soft_cap;
        const auto distance = static_cast<double>(index_of(span_.first) + query - position);
        const double result = (cap > 0 ? cap * std::tanh(scaled / cap) : scaled) - spec_.slope(head_) * distance;
        return result * std::numbers::log2e;
    }

    const LayerUnit & unit_;
    const AttentionSpec & spec_;
    const QuerySpan & span_;
    std::uint32_t head_;
    const float * queries_;
    std::vector<float> keys_;
};

/// body(span, query head) for this thread's share of those that `wanted` says.
template <typename Wanted, typename Body>
void for_heads(const LayerUnit & unit, int thread, int threads, const Wanted & wanted, const Body & body) {
    std::uint32_t index = 0;
    for (const QuerySpan & span : unit.queries) {
        for (std::uint32_t head = 0; head < unit.spec.heads && wanted(span); ++head, ++index) {
            if (index % static_cast<std::uint32_t>(threads) == static_cast<std::uint32_t>(thread)) {
                body(span, head);
            }
        }
    }
}

}  // namespace

void fill_row_sums(const LayerUnit & unit, const float * q, int thread, int threads) {
    struct Softmax {
        double reference = -std::numeric_limits<double>::infinity();
        double sum = 0;
    };
    const auto wanted = [](const QuerySpan & span) { return span.row_sums != nullptr; };
    for_heads(unit, thread, threads, wanted, [&](const QuerySpan & span, std::uint32_t head) {
        std::vector<Softmax> rows(span.count);
        HeadQueries queries(unit, span, head, q);
        queries.for_logits([&](std::uint32_t query, std::uint32_t /*position*/, double logit) {
            Softmax & row = rows[query];
            if (logit > row.reference) {
                row.sum *= std::exp2(row.reference - logit);
                row.reference = logit;
            }
            row.sum += std::exp2(logit - row.reference);
        });
        for (std::uint32_t query = 0; query < span.count; ++query) {
            Softmax & row = rows[query];
            if (row.sum > 0 && !unit.spec.sinks.empty()) {
                row.sum += std::exp2(unit.spec.sinks[head] * std::numbers::log2e - row.reference);
            }
            queries.row_sum(query) = {static_cast<float>(row.reference), static_cast<float>(row.sum)};
        }
    });
}

void add_column_sums(const LayerUnit & unit, const float * q, int thread, int threads) {
    const auto wanted = [](const QuerySpan & span) { return span.column_sums != nullptr; };
    for_heads(unit, thread, threads, wanted, [&](const QuerySpan & span, std::uint32_t head) {
        float * sums = span.column_sums + head * span.column_stride;
        HeadQueries queries(unit, span, head, q);
        queries.for_logits([&](std::uint32_t query, std::uint32_t position, double logit) {
            const RowSum & row = queries.row_sum(query);
            sums[position] += static_cast<float>(std::exp2(logit - double{row.reference}) / double{row.sum});
        });
    });
}

}  // namespace snapkv::attention::portable
