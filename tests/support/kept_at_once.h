#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "select/plan.h"
#include "select/scores.h"
#include "snapkv/position.h"

/// What is kept where budgets flow between layers, decided with all layers at hand: one row at a time, with no code
/// taken from select/flow.cpp.
namespace snapkv::test::at_once {

using select::Plan;
using select::RankedScores;

using Kept = std::vector<std::vector<std::vector<Position>>>;  ///< [layer][head]
using Scores = std::vector<std::vector<RankedScores>>;         ///< [layer][head]

struct Row {
    float score = 0;
    float tie = 0;
    std::size_t layer = 0;
    std::size_t head = 0;
    std::uint32_t position = 0;
};

/// Better rows first; what is no number last.
inline void sort_rows(std::vector<Row> & rows) {
    const auto worth = [](float score) { return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score; };
    std::sort(rows.begin(), rows.end(), [&](const Row & one, const Row & other) {
        return std::tuple(-worth(one.score), -worth(one.tie), one.layer, one.head, one.position) <
               std::tuple(-worth(other.score), -worth(other.tie), other.layer, other.head, other.position);
    });
}

inline std::vector<Row> rows_of(const Scores & scores, std::size_t layer, std::size_t head, std::uint32_t sink) {
    const RankedScores & of_head = scores[layer][head];
    std::vector<Row> rows;
    for (std::uint32_t at = sink; at < of_head.scores.size(); ++at) {
        rows.push_back({of_head.scores[at], of_head.ties.empty() ? 0 : of_head.ties[at], layer, head, at});
    }
    return rows;
}

inline Kept kept_rows(const Scores & scores, const std::vector<Row> & rows) {
    Kept kept(scores.size());
    for (std::size_t layer = 0; layer < scores.size(); ++layer) {
        kept[layer].resize(scores[layer].size());
    }
    for (const Row & row : rows) {
        kept[row.layer][row.head].push_back(Position{row.position});
    }
    for (auto & layer : kept) {
        for (auto & head : layer) {
            std::sort(head.begin(), head.end());
        }
    }
    return kept;
}

/// The best of all layers and heads.
inline Kept global(const Plan & plan, const Scores & scores, std::size_t layers) {
    const std::size_t heads = scores.front().size();
    std::vector<Row> rows;
    for (std::size_t layer = 0; layer < scores.size(); ++layer) {
        for (std::size_t head = 0; head < heads; ++head) {
            const std::vector<Row> of_head = rows_of(scores, layer, head, plan.sink);
            rows.insert(rows.end(), of_head.begin(), of_head.end());
        }
    }
    sort_rows(rows);
    rows.resize(std::min(rows.size(), layers * heads * (plan.budget - plan.recent - plan.sink)));
    return kept_rows(scores, rows);
}

inline double entropy_of(const std::vector<RankedScores> & heads, std::uint32_t sink) {
    std::vector<double> numbers;
    std::size_t count = 0;
    for (const RankedScores & head : heads) {
        for (std::size_t at = sink; at < head.scores.size(); ++at, ++count) {
            if (head.scores[at] > 0 && std::isfinite(head.scores[at])) {
                numbers.push_back(static_cast<double>(head.scores[at]));
            }
        }
    }
    const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
    if (count < 2 || sum == 0) {
        return 1;
    }
    double entropy = 0;
    for (const double number : numbers) {
        entropy -= number / sum * std::log(number / sum);
    }
    return entropy / std::log(static_cast<double>(count));
}

/// Each head's own, then a layer's by Sainte-Lague, one row at a time from none.
inline Kept entropy(const Plan & plan, const Scores & scores, std::size_t layers) {
    const std::size_t heads = scores.front().size();
    const std::uint32_t even = plan.budget - plan.recent - plan.sink;
    const std::uint32_t own = even / 5;
    std::vector<Row> kept;
    std::vector<std::vector<Row>> others(scores.size());
    std::vector<double> weights;
    for (std::size_t layer = 0; layer < scores.size(); ++layer) {
        weights.push_back(entropy_of(scores[layer], plan.sink));
        for (std::size_t head = 0; head < heads; ++head) {
            std::vector<Row> rows = rows_of(scores, layer, head, plan.sink);
            sort_rows(rows);
            kept.insert(kept.end(), rows.begin(), rows.begin() + own);
            others[layer].insert(others[layer].end(), rows.begin() + own, rows.end());
        }
        sort_rows(others[layer]);
    }
    std::vector<std::size_t> given(scores.size());
    for (std::size_t row = 0; row < layers * heads * (even - own); ++row) {
        std::size_t best = scores.size();
        for (std::size_t layer = 0; layer < scores.size(); ++layer) {
            const auto claim = [&](std::size_t of) { return weights[of] / static_cast<double>(2 * given[of] + 1); };
            if (given[layer] < others[layer].size() && (best == scores.size() || claim(layer) > claim(best))) {
                best = layer;
            }
        }
        if (best == scores.size()) {
            break;
        }
        kept.push_back(others[best][given[best]++]);
    }
    return kept_rows(scores, kept);
}

/// By the plan's allocation; `layers`: with those whose scores are still to come.
inline Kept kept(const Plan & plan, const Scores & scores, std::size_t layers) {
    return plan.allocation == Allocation::Global ? global(plan, scores, layers) : entropy(plan, scores, layers);
}

}  // namespace snapkv::test::at_once
