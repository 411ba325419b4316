#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "select/cluster.h"
#include "snapkv/cache_config.h"

/// The method's formulas, one value at a time and in double precision, with no code taken from src/select.
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
            case GroupReduce::Layer:
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

/// What is worth how much of a vote at a distance behind its own row (before it, where negative); `doubled` steps count
/// twice.
inline double reach_at(const Cluster & how, std::int64_t distance, std::int64_t doubled) {
    const double half_life = distance < 0 ? how.back : how.ahead;
    const auto steps = static_cast<double>(std::abs(distance) + (how.stops ? doubled : 0));
    return distance == 0 ? 1 : half_life == 0 ? 0 : std::exp2(-steps / half_life);
}

/// The mean of each row's chunk.
inline Row chunk_means(const Row & votes, std::size_t rows) {
    Row out;
    for (std::size_t row = 0; row < votes.size(); ++row) {
        const std::size_t first = row / rows * rows;
        const std::size_t end = std::min(first + rows, votes.size());
        double sum = 0;
        for (std::size_t at = first; at < end; ++at) {
            sum += votes[at];
        }
        out.push_back(sum / static_cast<double>(end - first));
    }
    return out;
}

/// Scores of kernel and reach: each row looks at every vote.
inline Row spread(const Row & votes, const Cluster & how, const std::vector<select::Mark> & marks) {
    Row out;
    const auto size = static_cast<std::int64_t>(votes.size());
    const bool kernel = how.rule == Cluster::Rule::Kernel;
    for (std::int64_t row = 0; row < size; ++row) {
        double sum = 0;
        double most = kernel ? -std::numeric_limits<double>::infinity() : 0;
        const std::int64_t first = kernel ? std::max<std::int64_t>(0, row - how.ahead) : 0;
        const std::int64_t last = kernel ? std::min<std::int64_t>(size - 1, row + how.back) : size - 1;
        for (std::int64_t at = first; at <= last; ++at) {
            const double vote = votes[static_cast<std::size_t>(at)];
            std::int64_t doubled = 0;  // steps over the end of a line between the two
            for (std::int64_t step = std::min(at, row); step < std::max(at, row) && how.stops; ++step) {
                doubled += marks[static_cast<std::size_t>(step)].ends_line ? 1 : 0;
            }
            sum += vote;
            if (!std::isnan(vote)) {
                most = std::max(most, kernel ? vote : vote * reach_at(how, row - at, doubled));
            }
        }
        if (kernel && how.pooling == Pooling::None) {
            out.push_back(votes[static_cast<std::size_t>(row)]);
        } else if (kernel && how.pooling == Pooling::Avg) {
            out.push_back(sum / (double{1} + how.back + how.ahead));
        } else {
            out.push_back(most);
        }
    }
    return out;
}

/// A cluster's scores.
inline Row cluster(const Row & votes, const Cluster & how, const std::vector<select::Mark> & marks = {}) {
    Row out = how.rule == Cluster::Rule::Chunk ? chunk_means(votes, how.width()) : spread(votes, how, marks);
    if (!how.words) {
        return out;
    }
    Row words = out;
    for (std::size_t row = 0; row < words.size(); ++row) {
        std::size_t begin = row;  // of its run
        for (; begin > 0 && !marks[begin].begins_word; --begin) {
        }
        begin += (row - begin) / 64 * 64;
        for (std::size_t at = begin; at < std::min(words.size(), begin + 64) && (at == begin || !marks[at].begins_word);
             ++at) {
            words[row] = std::isnan(words[row]) ? out[at] : std::max(words[row], out[at]);
        }
    }
    return words;
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

inline Selection select(const std::vector<float> & votes, std::uint32_t n, std::uint32_t recent, std::uint32_t budget,
                        std::uint32_t sink, const Cluster & how, GroupReduce group,
                        const std::vector<select::Mark> & marks = {}) {
    Selection result;
    result.scores = cluster(reduce(votes, n - recent, group), how, marks);
    const std::vector<std::uint32_t> voted = top(result.scores, sink, budget - recent - sink);
    result.cut = std::numeric_limits<double>::infinity();
    for (const std::uint32_t position : voted) {
        result.cut = std::min(result.cut, result.scores[position]);
    }
    for (std::uint32_t position = 0; position < sink; ++position) {
        result.kept.push_back(position);
    }
    result.kept.insert(result.kept.end(), voted.begin(), voted.end());
    for (std::uint32_t position = n - recent; position < n; ++position) {
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
