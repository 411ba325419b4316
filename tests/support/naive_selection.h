#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/sequence.h"

namespace snapkv::test {

/// A prompt's compression, settled: what the naive selection needs to know.
struct NaiveCut {
    std::uint32_t n = 0;
    std::uint32_t budget = 0;
    std::uint32_t window = 0;
    std::uint32_t recent = 0;
    std::uint32_t sink = 0;
    Evidence evidence = Evidence::Mean;
    Cluster cluster = Cluster::kernel(1);  ///< one that does not read the text
    GroupReduce reduce = GroupReduce::Mean;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    double scale = 1;
    double soft_cap = 0;          ///< c > 0: a logit x becomes c tanh(x / c)
    std::vector<double> sinks{};  ///< [head], or empty: a logit beside the keys'

    [[nodiscard]] std::uint32_t prefix() const { return n - recent; }
    [[nodiscard]] std::uint32_t group() const { return heads / kv_heads; }
};

/// q . k of a query head's query at one position and its KV head's key at another.
using Product = std::function<double(std::uint32_t head, std::uint32_t query, std::uint32_t key)>;

/// The clustered scores of the prefix for each KV head, in double precision, straight from the method's definition.
[[nodiscard]] std::vector<std::vector<double>> naive_scores(const NaiveCut & cut, const Product & product);

/// What settles between equal scores of Evidence::Pivotal: the sum of the weights. Nothing for other evidence.
[[nodiscard]] std::vector<std::vector<double>> naive_ties(NaiveCut cut, const Product & product);

/// What the scores keep, and the score of the last position that made it. Without a vote, the last rows.
struct NaiveKept {
    std::vector<Position> positions;
    double last_score = 0;
    double last_tie = 0;
};
[[nodiscard]] NaiveKept naive_kept(const NaiveCut & cut, const std::vector<double> & scores,
                                   const std::vector<double> & ties = {});

/// Positions of one sorted list that the other lacks, either way.
[[nodiscard]] std::vector<Position> differing(const std::vector<Position> & one, const std::vector<Position> & other);

/// The share of `other`'s positions, over all layers and heads, that `one` keeps too.
[[nodiscard]] double agreement(const KeptPositions & one, const KeptPositions & other);

}  // namespace snapkv::test
