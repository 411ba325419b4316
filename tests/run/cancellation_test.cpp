#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

/// Raising the stop flag ends the work at hand; with the flag lowered the session goes on as if nothing had been.
class Cancellation : public ::testing::TestWithParam<AttentionPath> {
protected:
    std::atomic<bool> stop_{false};
    test::TinyRun run_;
    Session session_ = run_.session(options());
    Branch branch_ = test::branch_of(test::random_tokens(300, 101), test::snapkv_cache(64, 16));

    [[nodiscard]] SessionOptions options() const {
        SessionOptions options;
        options.threads = 1;
        options.batch = 64;
        options.attention = GetParam();
        options.stop = &stop_;
        return options;
    }

    /// Interrupts a prefill at its `unit`-th report; the result must be empty, the next run as ever.
    void expect_interrupted(int unit) {
        int reports = 0;
        const PrefillResult result = session_.prefill({&branch_, 1}, {}, {.progress = [&](const CallProgress &) {
                                                          if (++reports == unit) {
                                                              stop_ = true;
                                                          }
                                                      }});
        EXPECT_TRUE(result.stats.interrupted) << unit;
        EXPECT_TRUE(result.sequences.empty());
        EXPECT_EQ(reports, unit) << "nothing is computed after the flag";
        stop_ = false;
    }
};

TEST_P(Cancellation, EndsAPrefillAtEachUnit) {
    const Sequence expected = test::prefill_one(session_, branch_);
    // Each of 3 layers reports 5 chunks and a compaction: the last of these is before the output.
    for (const int unit : {1, 4, 5, 6, 11, 17}) {
        expect_interrupted(unit);
    }
    const Sequence found = test::prefill_one(session_, branch_);
    EXPECT_TRUE(test::same_bits(found.logits(), expected.logits()));
    EXPECT_EQ(found.kept_positions(), expected.kept_positions());
}

TEST_P(Cancellation, BeforeItBeginsComputesNothing) {
    stop_ = true;
    const Estimate estimate = session_.estimate({&branch_, 1}, 8);
    EXPECT_EQ(estimate.seconds, 0) << "no measurement";
    EXPECT_GT(estimate.bytes_needed, 0U);
    EXPECT_TRUE(session_.prefill({&branch_, 1}).stats.interrupted);
}

TEST_P(Cancellation, GivesTheMemoryBack) {
    expect_interrupted(7);
    const PrefillResult first = session_.prefill({&branch_, 1});
    const PrefillResult second = session_.prefill({&branch_, 1});
    const std::uint64_t kept = first.sequences[0].cache_stats().bytes_kept;
    EXPECT_EQ(second.stats.cache_bytes_peak, first.stats.cache_bytes_peak + kept);
}

TEST_P(Cancellation, EndsAGenerationFromItsListener) {
    Sequence sequence = test::prefill_one(session_, branch_);
    Sequence undisturbed = sequence.fork();
    const std::vector<Token> expected = test::greedy(session_, undisturbed, 12);
    GenerateOptions options;
    options.max_tokens = 12;
    int calls = 0;
    const Generation cut = session_.generate(sequence, options, [&](std::string_view) {
        stop_ = ++calls == 3;
        return true;
    });
    EXPECT_EQ(cut.reason, StopReason::Interrupt);
    EXPECT_LT(cut.tokens.size(), 12U);
    stop_ = false;
    const std::vector<Token> rest = test::greedy(session_, sequence, static_cast<int>(12 - cut.tokens.size()));
    EXPECT_EQ(test::joined(cut.tokens, rest), expected);
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
}

TEST_P(Cancellation, EndsAGenerationWhoseListenerHasEnough) {
    Sequence sequence = test::prefill_one(session_, branch_);
    GenerateOptions options;
    options.max_tokens = 12;
    const Generation cut = session_.generate(sequence, options, [](std::string_view) { return false; });
    EXPECT_EQ(cut.reason, StopReason::Interrupt);
    EXPECT_EQ(sequence.tokens().size(), branch_.prompt.tokens.size() + cut.tokens.size());
}

TEST_P(Cancellation, LeavesAnAppendedSequenceConsistent) {
    Sequence sequence = test::prefill_one(session_, branch_);
    test::greedy(session_, sequence, 3);
    const std::vector<Token> tokens_before(sequence.tokens().begin(), sequence.tokens().end());
    Sequence undisturbed = sequence.fork();
    const std::vector<Token> turn = test::random_tokens(150, 102);
    stop_ = true;
    const AppendStats none = session_.append(sequence, turn);
    stop_ = false;
    EXPECT_TRUE(none.interrupted);
    EXPECT_EQ(none.tokens, 0U);
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), tokens_before));
    EXPECT_FALSE(session_.append(sequence, turn).interrupted);
    session_.append(undisturbed, turn);
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), undisturbed.tokens()));
}

INSTANTIATE_TEST_SUITE_P(Paths, Cancellation, ::testing::Values(AttentionPath::Cpu, AttentionPath::Portable),
                         [](const auto & param) {
                             return std::string(param.param == AttentionPath::Cpu ? "Cpu" : "Portable");
                         });

}  // namespace
}  // namespace snapkv
