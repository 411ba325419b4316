#include <gtest/gtest.h>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

/// Decode and append on a really compressed sequence, whose heads keep different rows, against the naive model with
/// the evicted rows masked.
class CompressedDecode : public ::testing::Test {
protected:
    static constexpr double kTolerance = 1e-6;

    test::TinyRun run_{test::TinyShape{.width = 48, .biases = true, .rope_factors = true}};
    Session session_ = run_.session(64);

    /// A prompt prefilled with a small budget, and the naive model in the same state.
    std::pair<Sequence, test::NaiveModel> compressed(std::uint32_t n, std::uint32_t budget, std::uint32_t sink = 0) {
        CacheConfig cache = test::snapkv_cache(budget, 16);
        cache.sink = sink;
        const Branch branch = test::branch_of(test::random_tokens(n, 7), cache);
        Sequence sequence = test::prefill_one(session_, branch);
        test::NaiveModel naive = run_.naive();
        naive.feed(branch.prompt.tokens);
        naive.keep(sequence.kept_positions());
        return {std::move(sequence), std::move(naive)};
    }

    /// Generates one token at a time; the naive model is fed each as the engine feeds it.
    void expect_steps(Sequence & sequence, test::NaiveModel & naive, int steps) {
        EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), kTolerance);
        for (int step = 0; step < steps; ++step) {
            const std::vector<Token> next = test::greedy(session_, sequence, 2);
            ASSERT_EQ(next.size(), 2U);
            naive.feed(pending_);
            naive.feed({next.data(), 1});
            pending_ = {next[1]};  // it has no row yet
            EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), kTolerance) << "step " << step;
        }
    }

    void expect_append(Sequence & sequence, test::NaiveModel & naive, std::size_t count, std::uint32_t seed) {
        const std::vector<Token> tokens = test::random_tokens(count, seed);
        const AppendStats stats = session_.append(sequence, tokens);
        EXPECT_EQ(stats.tokens, count + pending_.size());
        naive.feed(pending_);
        naive.feed(tokens);
        pending_.clear();
        EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), kTolerance) << count << " tokens";
        EXPECT_EQ(sequence.tokens().size(), naive.positions());
    }

    std::vector<Token> pending_;
};

TEST_F(CompressedDecode, HeadsKeepDifferentRows) {
    const auto [sequence, naive] = compressed(300, 64);
    const KeptPositions kept = sequence.kept_positions();
    EXPECT_NE(kept[0][0], kept[0][1]);
    EXPECT_NE(kept[0][0], kept[1][0]);
}

TEST_F(CompressedDecode, EvictionMatters) {
    auto [sequence, naive] = compressed(300, 64);
    test::NaiveModel unmasked = run_.naive();
    unmasked.feed(sequence.tokens());
    const std::vector<Token> more = test::random_tokens(1, 9);
    naive.feed(more);
    unmasked.feed(more);
    const std::vector<double> expected = unmasked.last_logits();
    const std::vector<double> masked = naive.last_logits();
    EXPECT_GT(test::nmse(std::vector<float>(masked.begin(), masked.end()), expected), 1e-3);
}

TEST_F(CompressedDecode, StepsEqualTheMaskedRun) {
    auto [sequence, naive] = compressed(300, 64);
    expect_steps(sequence, naive, 6);
}

TEST_F(CompressedDecode, StepsEqualTheMaskedRunWithSinksAndALargeBudget) {
    auto [sequence, naive] = compressed(500, 400, 4);
    expect_steps(sequence, naive, 4);
}

TEST_F(CompressedDecode, AppendedChunksEqualTheMaskedRun) {
    auto [sequence, naive] = compressed(300, 64);
    expect_append(sequence, naive, 1, 21);
    expect_append(sequence, naive, 5, 22);
    expect_append(sequence, naive, 70, 23);
}

TEST_F(CompressedDecode, AppendsBetweenStepsEqualTheMaskedRun) {
    auto [sequence, naive] = compressed(300, 64);
    expect_steps(sequence, naive, 2);
    expect_append(sequence, naive, 5, 24);
    expect_steps(sequence, naive, 2);
    expect_append(sequence, naive, 70, 25);
    expect_steps(sequence, naive, 2);
}

TEST_F(CompressedDecode, TheTailGrowsAcrossItsBlocks) {
    auto [sequence, naive] = compressed(200, 64);
    expect_append(sequence, naive, 255, 26);
    expect_steps(sequence, naive, 2);
    expect_append(sequence, naive, 300, 27);
}

TEST_F(CompressedDecode, ABranchBeyondAFullTrunkEqualsTheUnmaskedRun) {
    const std::vector<Token> trunk = test::random_tokens(100, 11);
    const std::vector<Token> question = test::random_tokens(30, 12);
    const std::vector<Branch> branches{test::branch_of(test::joined(trunk, question), test::full_cache()),
                                       test::branch_of(trunk, test::snapkv_cache(40, 8))};
    PrefillResult result = session_.prefill(branches);
    test::NaiveModel naive = run_.naive();
    naive.feed(branches[0].prompt.tokens);
    expect_steps(result.sequences[0], naive, 3);
    pending_.clear();
    test::NaiveModel alone = run_.naive();
    alone.feed(trunk);
    alone.keep(result.sequences[1].kept_positions());
    expect_steps(result.sequences[1], alone, 3);
}

}  // namespace
}  // namespace snapkv
