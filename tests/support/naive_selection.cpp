#include "support/naive_selection.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "support/evidence.h"
#include "support/positions.h"

namespace snapkv::test {
namespace {

/// One query head's attention to each position that a query sees.
std::vector<double> weights_of(const NaiveCut & cut, std::uint32_t head, std::uint32_t query, const Product & product) {
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
    std::for_each(weights.begin(), weights.end(), [&](double & weight) { weight /= sum; });
    return weights;
}

/// The evidence of the window's queries for each prefix position.
std::vector<double> votes_of(const NaiveCut & cut, std::uint32_t head, const Product & product) {
    std::vector<std::vector<double>> given(cut.prefix());
    std::vector<std::vector<double>> seen(cut.prefix());
    for (std::uint32_t query = cut.n - cut.window; query < cut.n; ++query) {
        const std::vector<double> weights = weights_of(cut, head, query, product);
        for (std::uint32_t key = 0; key < std::min(cut.prefix(), query + 1); ++key) {
            given[key].push_back(weights[key]);
            seen[key].push_back(query + 1);
        }
    }
    std::vector<double> votes;
    for (std::size_t key = 0; key < given.size(); ++key) {
        votes.push_back(cut.evidence == Evidence::Pivotal ? pivotal(given[key], seen[key], cut.window)
                                                          : evidence_of(cut.evidence, given[key]));
    }
    if (cut.evidence == Evidence::MaxFloor) {
        const double mean = std::accumulate(votes.begin(), votes.end(), 0.0) / static_cast<double>(votes.size());
        std::for_each(votes.begin(), votes.end(), [&](double & vote) { vote = std::max(vote, mean); });
    }
    return votes;
}

std::vector<double> group_votes(const NaiveCut & cut, std::uint32_t kv_head, const Product & product) {
    std::vector<double> total(cut.prefix());
    const bool of_layer = cut.reduce == GroupReduce::Layer;
    const std::uint32_t first = of_layer ? 0 : kv_head * cut.group();
    const std::uint32_t members = of_layer ? cut.heads : cut.group();
    for (std::uint32_t head = first; head < first + members; ++head) {
        const std::vector<double> votes = votes_of(cut, head, product);
        for (std::size_t i = 0; i < total.size(); ++i) {
            total[i] = cut.reduce == GroupReduce::Max ? std::max(total[i], votes[i]) : total[i] + votes[i];
        }
    }
    if (cut.reduce == GroupReduce::Mean || of_layer) {
        std::for_each(total.begin(), total.end(), [&](double & vote) { vote /= members; });
    }
    return total;
}

/// What a vote is worth to a row that lies `distance` behind its own (before it, where negative).
double share_at(const Cluster & cluster, std::ptrdiff_t distance) {
    const double side = distance < 0 ? cluster.back : cluster.ahead;
    const double rows = std::abs(static_cast<double>(distance));
    if (cluster.rule == Cluster::Rule::Kernel) {
        return rows <= (cluster.pooling == Pooling::None ? 0 : side) ? 1 : 0;
    }
    if (distance == 0) {
        return 1;
    }
    return side > 0 ? std::exp2(-rows / side) : 0;
}

std::vector<double> clustered(const Cluster & cluster, const std::vector<double> & votes) {
    std::vector<double> scores(votes.size());
    if (cluster.rule == Cluster::Rule::Chunk) {
        const std::size_t rows = cluster.width();
        for (std::size_t row = 0; row < votes.size(); ++row) {
            const std::size_t first = row / rows * rows;
            const std::size_t end = std::min(first + rows, votes.size());
            for (std::size_t at = first; at < end; ++at) {
                scores[row] += votes[at] / static_cast<double>(end - first);
            }
        }
        return scores;
    }
    const bool mean = cluster.rule == Cluster::Rule::Kernel && cluster.pooling == Pooling::Avg;
    for (std::size_t row = 0; row < votes.size(); ++row) {
        for (std::size_t at = 0; at < votes.size(); ++at) {
            const auto distance = static_cast<std::ptrdiff_t>(row) - static_cast<std::ptrdiff_t>(at);
            const double reaches = votes[at] * share_at(cluster, distance);
            scores[row] =
                mean ? scores[row] + reaches / (cluster.back + 1 + cluster.ahead) : std::max(scores[row], reaches);
        }
    }
    return scores;
}

}  // namespace

std::vector<std::vector<double>> naive_scores(const NaiveCut & cut, const Product & product) {
    std::vector<std::vector<double>> scores;
    for (std::uint32_t kv_head = 0; kv_head < cut.kv_heads; ++kv_head) {
        scores.push_back(cut.evidence == Evidence::None ? std::vector<double>(cut.prefix())
                                                        : clustered(cut.cluster, group_votes(cut, kv_head, product)));
    }
    return scores;
}

std::vector<std::vector<double>> naive_ties(NaiveCut cut, const Product & product) {
    if (cut.evidence != Evidence::Pivotal) {
        return std::vector<std::vector<double>>(cut.kv_heads);
    }
    cut.evidence = Evidence::Accumulated;
    return naive_scores(cut, product);
}

NaiveKept naive_kept(const NaiveCut & cut, const std::vector<double> & scores, const std::vector<double> & ties) {
    std::vector<std::uint32_t> candidates(cut.prefix() - cut.sink);
    std::iota(candidates.begin(), candidates.end(), cut.sink);
    std::stable_sort(candidates.begin(), candidates.end(), [&](std::uint32_t a, std::uint32_t b) {
        return scores[a] > scores[b] || (scores[a] == scores[b] && !ties.empty() && ties[a] > ties[b]);
    });
    const std::uint32_t voted = cut.budget - cut.recent - cut.sink;
    NaiveKept kept;
    if (voted > 0) {
        kept.last_score = scores[candidates[voted - 1]];
        kept.last_tie = ties.empty() ? 0 : ties[candidates[voted - 1]];
    }
    candidates.resize(voted);
    for (std::uint32_t position = 0; position < cut.sink; ++position) {
        candidates.push_back(position);
    }
    for (std::uint32_t position = cut.prefix(); position < cut.n; ++position) {
        candidates.push_back(position);
    }
    std::sort(candidates.begin(), candidates.end());
    kept.positions = positions(candidates);
    return kept;
}

std::vector<Position> differing(const std::vector<Position> & one, const std::vector<Position> & other) {
    std::vector<Position> result;
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
