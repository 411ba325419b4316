#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

#include "run/tiny_run.h"

/// What observers see, and what they should.
namespace snapkv::test {

/// What an observer saw: weights by layer, query head and position.
class Seen {
public:
    using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

    [[nodiscard]] Observer observer(std::uint32_t positions) {
        return {positions, [this](const AttentionRow & row) {
                    const std::lock_guard lock(guard_);
                    const Key key{row.layer, row.head, index_of(row.position)};
                    EXPECT_FALSE(rows_.contains(key)) << "offered twice";
                    rows_[key].assign(row.weights.begin(), row.weights.end());
                }};
    }
    [[nodiscard]] const std::map<Key, std::vector<float>> & rows() const { return rows_; }
    [[nodiscard]] const std::vector<float> & at(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const {
        return rows_.at({layer, head, position});
    }

private:
    std::mutex guard_;
    std::map<Key, std::vector<float>> rows_;
};

/// The naive model's softmax of one query over those of positions 0 .. `position` that are among `rows` (ascending), 0
/// for the others.
inline std::vector<double> naive_weights(const TinyRun & run, const NaiveModel & naive, std::uint32_t layer,
                                         std::uint32_t head, std::uint32_t position, std::span<const Position> rows) {
    const TinyShape & shape = run.tiny.shape;
    const auto query = naive.query(layer, head, position);
    const std::span<const Position> seen(rows.begin(), std::upper_bound(rows.begin(), rows.end(), Position{position}));
    std::vector<double> logits;
    for (const Position key : seen) {
        const auto row = naive.key(layer, head / (shape.heads / shape.kv_heads), index_of(key));
        const double dot = std::inner_product(query.begin(), query.end(), row.begin(), 0.0);
        logits.push_back(dot / std::sqrt(static_cast<double>(shape.key_size)));
    }
    std::vector<double> weights(position + 1, 0.0);
    if (seen.empty()) {
        return weights;
    }
    const double maximum = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (double & logit : logits) {
        logit = std::exp(logit - maximum);
        sum += logit;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
        weights[index_of(seen[i])] = logits[i] / sum;
    }
    return weights;
}

/// The same over all of those positions.
inline std::vector<double> naive_weights(const TinyRun & run, const NaiveModel & naive, std::uint32_t layer,
                                         std::uint32_t head, std::uint32_t position) {
    return naive_weights(run, naive, layer, head, position, positions_from(Position{0}, position + 1));
}

}  // namespace snapkv::test
