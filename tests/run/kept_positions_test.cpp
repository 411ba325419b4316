#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::snapkv_cache;

/// What every compressed cache has in common, and what its statistics say.
class KeptRows : public ::testing::TestWithParam<KvType> {
protected:
    static constexpr std::uint32_t kTokens = 260;

    test::TinyShape shape_{.key_size = 24, .value_size = 8};
    test::TinyRun run_{shape_};
    Session session_ = run_.session(64);

    Sequence prefilled(CacheConfig cache) {
        cache.type = GetParam();
        return test::prefill_one(session_, branch_of(test::random_tokens(kTokens, 81), cache));
    }

    [[nodiscard]] std::uint64_t row_bytes() const {
        return std::uint64_t{shape_.key_size + shape_.value_size} * (GetParam() == KvType::F32 ? 4 : 2);
    }
};

TEST_P(KeptRows, HoldTheWindowAndTheSinksInAscendingOrder) {
    CacheConfig cache = snapkv_cache(70, 12);
    cache.sink = 5;
    const Sequence sequence = prefilled(cache);
    for (const auto & layer : sequence.kept_positions()) {
        ASSERT_EQ(layer.size(), shape_.kv_heads);
        for (const auto & head : layer) {
            ASSERT_EQ(head.size(), 70U);
            EXPECT_TRUE(std::ranges::is_sorted(head, std::less_equal<>())) << "positions ascend, each once";
            for (std::uint32_t sink = 0; sink < 5; ++sink) {
                EXPECT_EQ(head[sink], Position{sink});
            }
            for (std::uint32_t row = 0; row < 12; ++row) {
                EXPECT_EQ(head[58 + row], Position{kTokens - 12 + row});
            }
        }
    }
}

TEST_P(KeptRows, AreCounted) {
    const Sequence sequence = prefilled(snapkv_cache(70, 12));
    const CacheStats & stats = sequence.cache_stats();
    const std::uint64_t heads = std::uint64_t{shape_.layers} * shape_.kv_heads;
    EXPECT_TRUE(stats.compressed);
    EXPECT_EQ(stats.budget, 70U);
    EXPECT_EQ(stats.window, 12U);
    EXPECT_EQ(stats.rows_full, heads * kTokens);
    EXPECT_EQ(stats.rows_kept, heads * 70);
    EXPECT_EQ(stats.bytes_full, heads * kTokens * row_bytes());
    EXPECT_EQ(stats.bytes_kept, heads * 70 * row_bytes());
    EXPECT_EQ(stats.config.type, GetParam());
    EXPECT_EQ(run_.model.info().cache_bytes_per_token(GetParam()) * kTokens, stats.bytes_full);
}

TEST_P(KeptRows, FollowAPercentage) {
    CacheConfig cache = snapkv_cache(0, 20);
    cache.budget = {Budget::Unit::Percent, 12.5};
    const Sequence sequence = prefilled(cache);
    EXPECT_EQ(sequence.cache_stats().budget, 20U + 240 / 8);
    EXPECT_EQ(sequence.kept_positions()[1][1].size(), 50U);
    cache.budget.value = 100;
    EXPECT_FALSE(prefilled(cache).cache_stats().compressed);
}

TEST_P(KeptRows, FollowTheAutomaticWindow) {
    CacheConfig cache = snapkv_cache(200, 0);
    cache.window.reset();
    Branch branch = branch_of(test::random_tokens(kTokens, 82), cache);
    branch.cache.type = GetParam();
    EXPECT_EQ(test::prefill_one(session_, branch).cache_stats().window, 32U);
    branch.prompt.question_begin = kTokens - 60;
    EXPECT_EQ(test::prefill_one(session_, branch).cache_stats().window, 60U);
    branch.prompt.question_begin = kTokens - 150;
    const Sequence cut = test::prefill_one(session_, branch);
    EXPECT_EQ(cut.cache_stats().window, 100U);
    EXPECT_TRUE(cut.cache_stats().window_cuts_question);
}

TEST_P(KeptRows, AnswerLikeFullPrecision) {
    const Branch branch = branch_of(test::random_tokens(kTokens, 81), test::full_cache(GetParam()));
    const Sequence sequence = test::prefill_one(session_, branch);
    test::NaiveModel naive = run_.naive();
    naive.feed(branch.prompt.tokens);
    const double tolerance = GetParam() == KvType::F32 ? 1e-8 : GetParam() == KvType::F16 ? 1e-4 : 1e-2;
    EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), tolerance);
}

INSTANTIATE_TEST_SUITE_P(Types, KeptRows, ::testing::Values(KvType::F32, KvType::F16, KvType::BF16));

/// The shapes that the llama architecture comes in.
class Shapes : public ::testing::TestWithParam<test::TinyShape> {};

TEST_P(Shapes, EqualTheNaiveModel) {
    const test::TinyRun run(GetParam());
    Session session = run.session(64);
    const Branch branch = branch_of(test::random_tokens(130, 91), test::full_cache());
    Sequence sequence = test::prefill_one(session, branch);
    test::NaiveModel naive = run.naive();
    naive.feed(branch.prompt.tokens);
    EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), 1e-7);
    const std::vector<Token> answer = test::greedy(session, sequence, 2);
    ASSERT_EQ(answer.size(), 2U);
    naive.feed(std::span(answer).first(1));
    EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(
    Llama, Shapes,
    ::testing::Values(test::TinyShape{.layers = 1}, test::TinyShape{.heads = 1, .kv_heads = 1},
                      test::TinyShape{.heads = 6, .kv_heads = 2, .key_size = 10, .value_size = 14},
                      test::TinyShape{.heads = 9, .kv_heads = 3, .key_size = 64, .value_size = 64, .width = 96},
                      test::TinyShape{.heads = 2, .kv_heads = 2, .key_size = 128, .value_size = 128},
                      test::TinyShape{.tied = true}, test::TinyShape{.biases = true},
                      test::TinyShape{.rope_base = 500000, .rope_factors = true},
                      test::TinyShape{.rope_scaling = "linear", .rope_factor = 4},
                      test::TinyShape{.rope_scaling = "none", .rope_factor = 4}));

}  // namespace
}  // namespace snapkv
