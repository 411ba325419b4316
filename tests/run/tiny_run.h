#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "snapkv/snapkv.h"
#include "support/naive_model.h"
#include "support/naive_selection.h"
#include "support/random.h"
#include "support/tiny_model.h"

/// What the engine's tests share: a tiny model loaded, prompts of random tokens, and comparisons.
namespace snapkv::test {

/// A tiny model on disk, loaded, with its naive counterpart.
struct TinyRun {
    explicit TinyRun(const TinyShape & shape = {}) : tiny(shape), file(tiny), model(Model::load(file.path())) {}

    TinyModel tiny;
    TinyModelFile file;
    Model model;

    [[nodiscard]] Session session(std::uint32_t batch = 512, std::uint32_t threads = 1) const {
        SessionOptions options;
        options.threads = threads;
        options.batch = batch;
        return session(options);
    }
    [[nodiscard]] Session session(const SessionOptions & options) const { return Session(model, options); }
    [[nodiscard]] NaiveModel naive() const { return NaiveModel(tiny); }
};

inline std::vector<Token> random_tokens(std::size_t count, std::uint32_t seed) {
    return Random(seed).tokens(count);
}

inline std::vector<Token> joined(std::vector<Token> one, std::span<const Token> other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

inline Branch branch_of(std::vector<Token> tokens, const CacheConfig & cache) {
    Branch branch;
    branch.prompt.question_begin = tokens.size();
    branch.prompt.tokens = std::move(tokens);
    branch.cache = cache;
    return branch;
}

inline CacheConfig full_cache(KvTypes type = KvType::F32) {
    CacheConfig cache;
    cache.policy = Policy::Full;
    cache.type = type;
    return cache;
}

/// A policy with its own choices.
inline CacheConfig policy_cache(Policy policy, std::uint32_t budget, KvTypes type = KvType::F32) {
    CacheConfig cache;
    cache.policy = policy;
    cache.budget = {Budget::Unit::Rows, static_cast<double>(budget)};
    cache.type = type;
    return cache;
}

inline CacheConfig snapkv_cache(std::uint32_t budget, std::uint32_t window, KvTypes type = KvType::F32) {
    CacheConfig cache = policy_cache(Policy::SnapKV, budget, type);
    cache.window = window;
    return cache;
}

inline Sequence prefill_one(Session & session, const Branch & branch) {
    PrefillResult result = session.prefill({&branch, 1});
    return std::move(result.sequences.at(0));
}

/// Greedy tokens.
inline std::vector<Token> greedy(Session & session, Sequence & sequence, std::int64_t count) {
    GenerateOptions options;
    options.max_tokens = count;
    return session.generate(sequence, options).tokens;
}

inline bool same_bits(std::span<const float> one, std::span<const float> other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size_bytes()) == 0;
}

/// How far the best logit lies above the second.
inline float top_two_gap(std::span<const float> logits) {
    std::vector<float> sorted(logits.begin(), logits.end());
    std::nth_element(sorted.begin(), sorted.begin() + 1, sorted.end(), std::greater<>());
    return sorted[0] - sorted[1];
}

/// Generates greedily from both and expects the same tokens, or the first that differ where the first sequence's top
/// two logits lie within 0.05.
inline void expect_same_answers(Session & session, Sequence & one, Sequence & other, int count) {
    for (int i = 0; i < count; ++i) {
        const std::vector<Token> expected = greedy(session, one, 1);
        const std::vector<Token> found = greedy(session, other, 1);
        if (expected != found) {
            EXPECT_LE(top_two_gap(one.logits()), 0.05F) << "token " << i;
            return;
        }
    }
}

/// The cut of a compressed sequence, for the naive selection.
inline NaiveCut cut_of(const TinyShape & shape, const Sequence & sequence) {
    const CacheStats & stats = sequence.cache_stats();
    NaiveCut cut;
    cut.n = static_cast<std::uint32_t>(sequence.prompt_tokens());
    cut.budget = stats.budget;
    cut.window = stats.window;
    cut.recent = stats.recent;
    cut.sink = stats.sink;
    cut.evidence = stats.evidence;
    cut.cluster = stats.cluster;
    cut.reduce = stats.group;
    cut.heads = shape.heads;
    cut.kv_heads = shape.kv_heads;
    cut.scale = 1 / std::sqrt(static_cast<double>(shape.key_size));
    return cut;
}

/// Expects of each KV head of a layer what the naive selection from these products keeps, but for `most` positions that
/// rounding decides about: their scores are those of the cut, within `relative`.
inline void expect_naive_layer(NaiveCut cut, const std::vector<std::vector<Position>> & kept, const Product & product,
                               std::size_t most, double relative) {
    const auto scores = naive_scores(cut, product);
    const auto ties = naive_ties(cut, product);
    for (std::uint32_t head = 0; head < cut.kv_heads; ++head) {
        cut.budget = static_cast<std::uint32_t>(kept[head].size());  // its share, where rows are divided
        const NaiveKept expected = naive_kept(cut, scores[head], ties[head]);
        ASSERT_EQ(kept[head].size(), expected.positions.size());
        const auto differ = differing(kept[head], expected.positions);
        EXPECT_LE(differ.size(), most) << "head " << head;
        for (const Position position : differ) {
            const std::size_t at = index_of(position);
            if (ties[head].empty()) {
                EXPECT_NEAR(scores[head][at] / expected.last_score, 1, relative) << "head " << head;
            } else if (scores[head][at] == expected.last_score) {
                EXPECT_NEAR(ties[head][at] / expected.last_tie, 1, relative) << "head " << head;
            } else {
                EXPECT_NEAR(scores[head][at], expected.last_score, 1) << "head " << head;
            }
        }
    }
}

/// The same of each layer, from the naive model's own queries and keys.
inline void expect_naive_kept(const TinyRun & run, const Sequence & sequence, std::size_t most = 4,
                              double relative = 1e-4) {
    const NaiveCut cut = cut_of(run.tiny.shape, sequence);
    NaiveModel naive = run.naive();
    naive.feed(sequence.tokens().first(cut.n));
    const KeptPositions kept = sequence.kept_positions();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        SCOPED_TRACE(testing::Message() << "layer " << layer);
        const Product product = [&](std::uint32_t head, std::uint32_t query, std::uint32_t key) {
            const auto q = naive.query(layer, head, query);
            return std::inner_product(q.begin(), q.end(), naive.key(layer, head / cut.group(), key).begin(), 0.0);
        };
        expect_naive_layer(cut, kept[layer], product, most, relative);
    }
}

/// Expects that nearly all kept positions agree, and that each which does not scores within 5e-3 of the naive cut.
inline void expect_same_kept(const TinyRun & run, const Sequence & one, const Sequence & other) {
    const NaiveCut cut = cut_of(run.tiny.shape, one);
    const KeptPositions kept_one = one.kept_positions();
    const KeptPositions kept_other = other.kept_positions();
    if (kept_one == kept_other) {
        return;
    }
    EXPECT_GE(agreement(kept_one, kept_other), 0.999);
    NaiveModel naive = run.naive();
    naive.feed(one.tokens().first(cut.n));
    for (std::uint32_t layer = 0; layer < kept_one.size(); ++layer) {
        const auto scores = naive_scores(cut, [&](std::uint32_t head, std::uint32_t query, std::uint32_t key) {
            const auto q = naive.query(layer, head, query);
            return std::inner_product(q.begin(), q.end(), naive.key(layer, head / cut.group(), key).begin(), 0.0);
        });
        for (std::uint32_t head = 0; head < cut.kv_heads; ++head) {
            const double last = naive_kept(cut, scores[head]).last_score;
            for (const Position position : differing(kept_one[layer][head], kept_other[layer][head])) {
                EXPECT_NEAR(scores[head][index_of(position)] / last, 1, 5e-3) << "layer " << layer << " head " << head;
            }
        }
    }
}

}  // namespace snapkv::test
