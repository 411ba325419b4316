#include "support/naive_selection.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace snapkv::test {
namespace {

/// The mean over the window's queries of their attention to each prefix position.
std::vector<double> votes_of(const NaiveCut & cut, std::uint32_t head, const Product & product) {
    std::vector<double> votes(cut.prefix());
    for (std::uint32_t query = cut.prefix(); query < cut.n; ++query) {
        std::vector<double> weights(query + 1);
        for (std::uint32_t key = 0; key <= query; ++key) {
            const double x = cut.scale * product(head, query, key);
            weights[key] = cut.soft_cap > 0 ? cut.soft_cap * std::tanh(x / cut.soft_cap) : x;
        }
        const double maximum = *std::max_element(weights.begin(), weights.end());
        double sum = cut.sinks.empty() ? 0 : std::exp(cut.sinks[head] - maximum);
        for (double & weight : weights) {
            weight = std::exp(weight - maximum);
            sum += weight;
        }
        for (std::uint32_t key = 0; key < cut.prefix(); ++key) {
            votes[key] += weights[key] / sum / cut.window;
        }
    }
    return votes;
}

std::vector<double> group_votes(const NaiveCut & cut, std::uint32_t kv_head, const Product & product) {
    std::vector<double> total(cut.prefix());
    for (std::uint32_t member = 0; member < cut.group(); ++member) {
        const std::vector<double> votes = votes_of(cut, kv_head * cut.group() + member, product);
        for (std::size_t i = 0; i < total.size(); ++i) {
            total[i] = cut.reduce == GroupReduce::Max ? std::max(total[i], votes[i]) : total[i] + votes[i];
        }
    }
    if (cut.reduce == GroupReduce::Mean) {
        std::for_each(total.begin(), total.end(), [&](double & vote) { vote /= cut.group(); });
    }
    return total;
}

std::vector<double> pooled(const NaiveCut & cut, const std::vector<double> & votes) {
    if (cut.pooling == Pooling::None) {
        return votes;
    }
    std::vector<double> scores(votes.size());
    const std::size_t half = cut.kernel / 2;
    for (std::size_t i = 0; i < votes.size(); ++i) {
        const std::size_t begin = i > half ? i - half : 0;
        const std::size_t end = std::min(votes.size(), i + half + 1);
        for (std::size_t at = begin; at < end; ++at) {
            scores[i] =
                cut.pooling == Pooling::Max ? std::max(scores[i], votes[at]) : scores[i] + votes[at] / cut.kernel;
        }
    }
    return scores;
}

}  // namespace

std::vector<std::vector<double>> naive_scores(const NaiveCut & cut, const Product & product) {
    std::vector<std::vector<double>> scores;
    for (std::uint32_t kv_head = 0; kv_head < cut.kv_heads; ++kv_head) {
        scores.push_back(pooled(cut, group_votes(cut, kv_head, product)));
    }
    return scores;
}

NaiveKept naive_kept(const NaiveCut & cut, const std::vector<double> & scores) {
    std::vector<std::uint32_t> candidates(cut.prefix() - cut.sink);
    std::iota(candidates.begin(), candidates.end(), cut.sink);
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    const std::uint32_t voted = cut.budget - cut.window - cut.sink;
    NaiveKept kept;
    kept.last_score = scores[candidates[voted - 1]];
    kept.positions.assign(candidates.begin(), candidates.begin() + voted);
    for (std::uint32_t position = 0; position < cut.sink; ++position) {
        kept.positions.push_back(position);
    }
    for (std::uint32_t position = cut.prefix(); position < cut.n; ++position) {
        kept.positions.push_back(position);
    }
    std::sort(kept.positions.begin(), kept.positions.end());
    return kept;
}

std::vector<std::uint32_t> differing(const std::vector<std::uint32_t> & one, const std::vector<std::uint32_t> & other) {
    std::vector<std::uint32_t> result;
    std::set_symmetric_difference(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(result));
    return result;
}

double agreement(const KeptPositions & one, const KeptPositions & other) {
    std::size_t total = 0;
    std::size_t missing = 0;
    for (std::size_t layer = 0; layer < other.size(); ++layer) {
        for (std::size_t head = 0; head < other[layer].size(); ++head) {
            total += other[layer][head].size();
            missing += differing(one[layer][head], other[layer][head]).size() / 2;
        }
    }
    return total == 0 ? 0 : 1 - static_cast<double>(missing) / static_cast<double>(total);
}

}  // namespace snapkv::test
