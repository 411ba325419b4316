// Sequences whose rows are random numbers: as many and as placed as a prefill would leave them, and decode goes on.
#include "snapkv/tools/filled_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>

#include "run/tiny_run.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

using test::full_cache;
using test::snapkv_cache;

constexpr std::uint32_t kDepth = 700;

class FilledSequence : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session();

    std::vector<float> logits_after_steps(Sequence sequence) {
        for (const Token token : test::random_tokens(5, 9)) {
            session_.append(sequence, {&token, 1});
        }
        EXPECT_EQ(sequence.tokens().size(), sequence.prompt_tokens() + 5);
        return {sequence.logits().begin(), sequence.logits().end()};
    }
};

TEST_F(FilledSequence, KeepsEveryRowWithoutCompression) {
    for (const CacheConfig & cache : {full_cache(), full_cache(KvType::F16), snapkv_cache(kDepth, 16)}) {
        const Sequence sequence = *filled_sequence(session_, kDepth, cache);
        EXPECT_FALSE(sequence.cache_stats().compressed);
        EXPECT_EQ(sequence.prompt_tokens(), kDepth);
        EXPECT_EQ(sequence.cache_stats().rows_kept, sequence.cache_stats().rows_full);
        for (const auto & layer : sequence.kept_positions()) {
            for (const auto & head : layer) {
                ASSERT_EQ(head.size(), kDepth);
                EXPECT_EQ(head.front(), Position{0});
                EXPECT_EQ(head.back(), Position{kDepth - 1});
            }
        }
    }
}

TEST_F(FilledSequence, KeepsWhatAPrefillWouldKeep) {
    CacheConfig cache = snapkv_cache(101, 16, KvType::BF16);
    cache.sink = 3;
    const Sequence sequence = *filled_sequence(session_, kDepth, cache);
    const Sequence real = test::prefill_one(session_, test::branch_of(test::random_tokens(kDepth, 4), cache));
    EXPECT_EQ(sequence.cache_stats().rows_kept, real.cache_stats().rows_kept);
    EXPECT_EQ(sequence.cache_stats().bytes_kept, real.cache_stats().bytes_kept);
    for (const auto & layer : sequence.kept_positions()) {
        EXPECT_NE(layer.front(), layer.back());
        for (const auto & head : layer) {
            ASSERT_EQ(head.size(), 101U);
            EXPECT_EQ(std::vector(head.begin(), head.begin() + 3), positions_from(Position{0}, 3));
            EXPECT_TRUE(std::adjacent_find(head.begin(), head.end(), std::greater_equal<>()) == head.end());
            EXPECT_EQ(head[101 - 16], Position{kDepth - 16});
            EXPECT_EQ(head.back(), Position{kDepth - 1});
        }
    }
}

TEST_F(FilledSequence, EveryPlaceIsDistinctWhereTheBudgetIsJustBelowThePrompt) {
    for (std::uint32_t seed = 1; seed < 20; ++seed) {
        const Sequence sequence = *filled_sequence(session_, kDepth, snapkv_cache(kDepth - 1, 16), seed);
        const KeptPositions kept = sequence.kept_positions();
        for (const auto & head : kept.front()) {
            EXPECT_EQ(std::set<Position>(head.begin(), head.end()).size(), kDepth - 1);
        }
    }
}

TEST_F(FilledSequence, DecodesFromTheSameSeedTheSameWay) {
    for (const CacheConfig & cache : {full_cache(KvType::F16), snapkv_cache(64, 8, KvType::F16)}) {
        const std::vector<float> first = logits_after_steps(*filled_sequence(session_, kDepth, cache));
        EXPECT_TRUE(test::same_bits(first, logits_after_steps(*filled_sequence(session_, kDepth, cache))));
        EXPECT_FALSE(test::same_bits(first, logits_after_steps(*filled_sequence(session_, kDepth, cache, 2))));
    }
}

TEST_F(FilledSequence, AnEmptyOneIsTheBeginningOfAText) {
    Sequence empty = *filled_sequence(session_, 0, full_cache());
    EXPECT_EQ(empty.tokens().size(), 0U);
    const std::vector<Token> tokens = test::random_tokens(20, 5);
    session_.append(empty, tokens);
    const Sequence prefilled = test::prefill_one(session_, test::branch_of(tokens, full_cache()));
    for (std::size_t i = 0; i < prefilled.logits().size(); ++i) {
        EXPECT_NEAR(empty.logits()[i], prefilled.logits()[i], 1e-3);
    }
}

TEST_F(FilledSequence, CountsItsPeakAndRefusesWhatCannotBe) {
    const Sequence sequence = *filled_sequence(session_, kDepth, full_cache());
    EXPECT_GE(session_.cache_bytes_peak(), sequence.cache_stats().bytes_kept);
    test::error_of(ErrorKind::Input, [&] { static_cast<void>(filled_sequence(session_, 4096, full_cache())); });
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(filled_sequence(session_, 100, snapkv_cache(16, 16))); });
    const std::atomic<bool> stop{true};
    SessionOptions options;
    options.threads = 1;
    options.stop = &stop;
    Session stopped = run_.session(options);
    EXPECT_FALSE(filled_sequence(stopped, kDepth, full_cache()).has_value());
}

}  // namespace
}  // namespace snapkv
