#include <gtest/gtest.h>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

/// The kept positions must not depend on how the prompt is cut into chunks, nor on the number of threads.
class Chunking : public ::testing::TestWithParam<ggml_type> {
protected:
    static constexpr std::uint32_t kTokens = 700;

    test::TinyRun run_{test::TinyShape{.type = GetParam()}};
    Branch branch_ = test::branch_of(test::random_tokens(kTokens, 5), test::snapkv_cache(160, 20));

    Sequence prefilled(std::uint32_t batch, std::uint32_t threads) {
        Session session = run_.session(batch, threads);
        return test::prefill_one(session, branch_);
    }
};

TEST_P(Chunking, KeepsTheSamePositions) {
    const Sequence whole = prefilled(kTokens, 1);
    for (const std::uint32_t batch : {64U, 100U, 128U, 512U}) {
        SCOPED_TRACE(batch);
        const Sequence one_thread = prefilled(batch, 1);
        const Sequence two_threads = prefilled(batch, 2);
        test::expect_same_kept(run_, whole, one_thread);
        test::expect_same_kept(run_, whole, two_threads);
        EXPECT_LT(test::nmse(one_thread.logits(), whole.logits()), 1e-5);
        EXPECT_LT(test::nmse(two_threads.logits(), whole.logits()), 1e-5);
    }
}

// With everything that a policy can choose, the words of the text among it.
TEST_P(Chunking, KeepsTheSamePositionsWhateverTheRule) {
    branch_.cache.window = 90;
    branch_.cache.recent = 10;
    for (const Evidence evidence :
         {Evidence::Mean, Evidence::Rms, Evidence::Top4, Evidence::Max, Evidence::MaxFloor, Evidence::Recency}) {
        branch_.cache.evidence = evidence;
        branch_.cache.cluster = {.rule = Cluster::Rule::Reach, .back = 2, .ahead = 4, .words = true, .stops = true};
        SCOPED_TRACE(static_cast<int>(evidence));
        const Sequence whole = prefilled(128, 1);
        EXPECT_EQ(prefilled(128, 2).kept_positions(), whole.kept_positions());
        EXPECT_EQ(prefilled(128, 3).kept_positions(), whole.kept_positions());
        EXPECT_GT(test::agreement(prefilled(kTokens, 2).kept_positions(), whole.kept_positions()), 0.999);
    }
}

TEST_P(Chunking, AgreesWithTheNaiveModel) {
    const Sequence whole = prefilled(128, 2);
    test::NaiveModel naive = run_.naive();
    naive.feed(branch_.prompt.tokens);
    EXPECT_LT(test::nmse(whole.logits(), naive.last_logits()), GetParam() == GGML_TYPE_F32 ? 1e-6 : 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Weights, Chunking, ::testing::Values(GGML_TYPE_F32, GGML_TYPE_F16));

}  // namespace
}  // namespace snapkv
