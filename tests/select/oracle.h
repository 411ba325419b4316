#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "snapkv/cache_config.h"

/// The method's formulas, one value at a time and in double precision, with nothing taken from src/select.
namespace snapkv::oracle {

using Row = std::vector<double>;

inline Row reduce(const std::vector<float> & heads, std::size_t columns, GroupReduce how) {
    const std::size_t group = heads.size() / columns;
    Row out;
    for (std::size_t column = 0; column < columns; ++column) {
        double sum = 0;
        double most = -std::numeric_limits<double>::infinity();
        for (std::size_t head = 0; head < group; ++head) {
            const double value = static_cast<double>(heads[head * columns + column]);
            sum += value;
            if (!std::isnan(value)) {
                most = std::max(most, value);
            }
        }
        switch (how) {
            case GroupReduce::Mean:
                out.push_back(sum / static_cast<double>(group));
                break;
            case GroupReduce::Sum:
                out.push_back(sum);
                break;
            case GroupReduce::Max:
                out.push_back(most);
                break;
        }
    }
    return out;
}

inline Row pool(const Row & scores, std::int64_t kernel, Pooling how) {
    if (how == Pooling::None) {
        return scores;
    }
    Row out;
    const auto size = static_cast<std::int64_t>(scores.size());
    for (std::int64_t centre = 0; centre < size; ++centre) {
        double sum = 0;
        double most = -std::numeric_limits<double>::infinity();
        for (std::int64_t at = std::max<std::int64_t>(0, centre - kernel / 2);
             at <= std::min(size - 1, centre + kernel / 2); ++at) {
            const double value = scores[static_cast<std::size_t>(at)];
            sum += value;
            if (!std::isnan(value)) {
                most = std::max(most, value);
            }
        }
        out.push_back(how == Pooling::Max ? most : sum / static_cast<double>(kernel));
    }
    return out;
}

/// By a stable sort, so that the earlier of equal positions comes first.
inline std::vector<std::uint32_t> top(const Row & scores, std::uint32_t first, std::uint32_t count) {
    std::vector<std::uint32_t> order(scores.size() - first);
    std::iota(order.begin(), order.end(), first);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const bool a_is_number = !std::isnan(scores[a]);
        const bool b_is_number = !std::isnan(scores[b]);
        return a_is_number && (!b_is_number || scores[a] > scores[b]);
    });
    order.resize(count);
    std::sort(order.begin(), order.end());
    return order;
}

/// What one KV head keeps of a prompt of `n` tokens, with the prefix scores that decided.
struct Selection {
    std::vector<std::uint32_t> kept;
    Row scores;
    double cut = 0;  ///< the lowest score that the vote selected
};

inline Selection select(const std::vector<float> & votes, std::uint32_t n, std::uint32_t window, std::uint32_t budget,
                        std::uint32_t sink, std::uint32_t kernel, Pooling pooling, GroupReduce group) {
    Selection result;
    result.scores = pool(reduce(votes, n - window, group), kernel, pooling);
    const std::vector<std::uint32_t> voted = top(result.scores, sink, budget - window - sink);
    result.cut = std::numeric_limits<double>::infinity();
    for (const std::uint32_t position : voted) {
        result.cut = std::min(result.cut, result.scores[position]);
    }
    for (std::uint32_t position = 0; position < sink; ++position) {
        result.kept.push_back(position);
    }
    result.kept.insert(result.kept.end(), voted.begin(), voted.end());
    for (std::uint32_t position = n - window; position < n; ++position) {
        result.kept.push_back(position);
    }
    return result;
}

/// Whether a prefix position may be kept or not without being wrong: rounding alone decides about it.
inline bool at_the_cut(const Selection & selection, std::uint32_t position) {
    const double score = selection.scores[position];
    const bool both_nothing = std::abs(score) < 1e-30 && std::abs(selection.cut) < 1e-30;
    return both_nothing || std::abs(score - selection.cut) <= 1e-5 * std::abs(selection.cut);
}

}  // namespace snapkv::oracle
