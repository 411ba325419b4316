// Evidence::Accumulated: every token of the prompt votes, and what rows are given is added up as the chunks come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "run/loaded_family.h"
#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/float32.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

CacheConfig accumulated(std::uint32_t budget, std::uint32_t recent, KvTypes type = KvType::F32) {
    CacheConfig cache;
    cache.policy = Policy::SnapKV;
    cache.budget = {Budget::Unit::Rows, static_cast<double>(budget)};
    cache.recent = recent;
    cache.evidence = Evidence::Accumulated;
    cache.type = type;
    return cache;
}

PrefillResult finished(PrefillTask & task) {
    while (task.advance()) {
    }
    return task.take();
}

/// Each layer's kept rows against a selection in double precision from the naive model's own queries and keys.
void expect_naive(const test::TinyRun & run, const Sequence & sequence) {
    ASSERT_EQ(sequence.cache_stats().window, sequence.prompt_tokens());
    test::expect_naive_kept(run, sequence);
}

// The last layer among them, of which a prefill else computes no attention.
TEST(Accumulated, KeepsWhatTheNaiveModelSays) {
    const test::TinyRun run;
    for (const GroupReduce group : {GroupReduce::Mean, GroupReduce::Max, GroupReduce::Sum}) {
        for (const Cluster & cluster : {Cluster::kernel(1), Cluster::reach(2, 4)}) {
            SCOPED_TRACE(static_cast<int>(group));
            CacheConfig cache = accumulated(90, 7);
            cache.group = group;
            cache.cluster = cluster;
            cache.sink = group == GroupReduce::Max ? 3 : 0;
            Session session = run.session(100, 2);
            expect_naive(run, test::prefill_one(session, test::branch_of(test::random_tokens(231, 5), cache)));
        }
    }
}

TEST(Accumulated, KeepsTheSameWhateverTheThreadsAndNearlyWhateverTheChunks) {
    const test::TinyRun run;
    const Branch branch = test::branch_of(test::random_tokens(401, 6), accumulated(160, 20));
    for (const std::uint32_t batch : {401U, 64U, 131U, 256U}) {
        SCOPED_TRACE(batch);
        Session one = run.session(batch, 1);
        Session three = run.session(batch, 3);
        const Sequence expected = test::prefill_one(one, branch);
        EXPECT_EQ(test::prefill_one(three, branch).kept_positions(), expected.kept_positions());
        expect_naive(run, expected);
    }
}

TEST(Accumulated, IsThePortablePathsToo) {
    const attention::cpu::OnlySet only = test::float32_kernels();
    const test::TinyRun run;
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16}) {
        const std::vector<Token> trunk = test::random_tokens(220, 7);
        const std::vector<Branch> branches{
            test::branch_of(trunk, accumulated(90, 16, type)),
            test::branch_of(test::joined(trunk, test::random_tokens(80, 8)), accumulated(70, 5, type))};
        Session kernels = run.session({.threads = 2, .batch = 100, .attention = AttentionPath::Cpu});
        Session portable = run.session({.threads = 2, .batch = 100, .attention = AttentionPath::Portable});
        const PrefillResult expected = kernels.prefill(branches);
        const PrefillResult found = portable.prefill(branches);
        for (std::size_t index = 0; index < branches.size(); ++index) {
            EXPECT_GE(
                test::agreement(found.sequences[index].kept_positions(), expected.sequences[index].kept_positions()),
                0.999);
        }
    }
}

/// Layers that slide, recur or attend to latent rows, beside plain ones.
class AccumulatedOf : public ::testing::TestWithParam<const char *> {
protected:
    test::LoadedFamily family_{GetParam(), 4096};
    Session session_ = family_.session();  // whose chunks all have equally many rows: see Branches
    std::vector<Token> trunk_ = test::random_tokens(800, 41);

    [[nodiscard]] std::vector<Token> with_suffix(std::size_t suffix, std::uint32_t seed) const {
        return test::joined(trunk_, test::random_tokens(suffix, seed));
    }
    /// Other voters and other ends beside those that accumulate; the last without any.
    [[nodiscard]] std::vector<Branch> branches() const {
        CacheConfig most = accumulated(70, 9);
        most.group = GroupReduce::Max;
        return {test::branch_of(trunk_, accumulated(80, 16)),
                test::branch_of(trunk_, most),
                test::branch_of(trunk_, test::snapkv_cache(80, 16)),
                test::branch_of(with_suffix(25, 2), accumulated(80, 16)),
                test::branch_of(with_suffix(30, 3), test::snapkv_cache(80, 40)),
                test::branch_of(with_suffix(170, 4), most),
                test::branch_of(with_suffix(20, 5), test::full_cache())};
    }
    static void expect_same(const Sequence & found, const Sequence & expected) {
        EXPECT_EQ(found.kept_positions(), expected.kept_positions());
        EXPECT_TRUE(test::same_bits(found.logits(), expected.logits()));
    }
};
INSTANTIATE_TEST_SUITE_P(Families, AccumulatedOf,
                         ::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2", "qwen35"),
                         [](const auto & param) {
                             std::string name = param.param;
                             std::erase(name, '-');
                             return name;
                         });

TEST_P(AccumulatedOf, ABranchKeepsWhatItKeepsAlone) {
    const std::vector<Branch> asked = branches();
    const PrefillResult together = session_.prefill(asked);
    for (std::size_t index = 0; index < asked.size(); ++index) {
        SCOPED_TRACE(index);
        expect_same(together.sequences[index], test::prefill_one(session_, asked[index]));
    }
}

TEST_P(AccumulatedOf, ADocumentIsComputedAnewForIt) {
    const std::vector<Branch> asked = branches();
    PrefillTask first = session_.begin_prefill({&asked[2], 1}, {.hold = 700});
    static_cast<void>(finished(first));
    const Document document = *first.document();
    EXPECT_EQ(session_.held_tokens({&asked[3], 1}, document), 0U);
    EXPECT_EQ(session_.held_tokens({&asked[4], 1}, document), 700U);
    PrefillTask task = session_.begin_prefill(asked, {.document = document});
    const PrefillResult found = finished(task);
    EXPECT_EQ(found.stats.held_tokens, 0U);
    expect_same(found.sequences[3], test::prefill_one(session_, asked[3]));
}

TEST_P(AccumulatedOf, ItGoesOnFromAPauseAndWithoutThoseThatAreDropped) {
    const std::vector<Branch> asked = branches();
    const PrefillResult expected = session_.prefill(asked);
    const test::TemporaryFolder folder;
    PrefillTask task = session_.begin_prefill(asked);
    do {
        ASSERT_TRUE(task.advance());
    } while (!task.between_layers());
    ASSERT_TRUE(task.save(folder.path() / "paused"));
    PrefillTask resumed = session_.resume_prefill(asked, {}, folder.path() / "paused");
    ASSERT_TRUE(resumed.advance());  // amid a layer
    resumed.drop(0);
    resumed.drop(5);
    const PrefillResult found = finished(resumed);  // of those that are left
    const std::vector<std::size_t> left{1, 2, 3, 4, 6};
    ASSERT_EQ(found.sequences.size(), left.size());
    for (std::size_t index = 0; index < left.size(); ++index) {
        SCOPED_TRACE(left[index]);
        expect_same(found.sequences[index], expected.sequences[left[index]]);
    }
}

TEST(Accumulated, TakesTheMemoryThatIsEstimated) {
    const test::TinyRun run(test::TinyShape{.heads = 8, .kv_heads = 2, .width = 32, .feed_forward = 32});
    const std::vector<Token> trunk = test::random_tokens(1500, 9);
    for (const std::uint32_t batch : {128U, 256U}) {
        SCOPED_TRACE(batch);
        std::vector<Branch> branches{test::branch_of(trunk, accumulated(128, 30))};
        for (std::uint32_t index = 0; index < 12; ++index) {
            const std::vector<Token> suffix = test::random_tokens(20 + 7 * index, 20 + index);
            branches.push_back(test::branch_of(test::joined(trunk, suffix),
                                               index % 3 == 0 ? test::snapkv_cache(128, 32) : accumulated(128, 30)));
        }
        Session session = run.session(batch);
        const Estimate estimate = session.estimate(branches, 0);
        const PrefillResult result = session.prefill(branches);
        const auto sum = static_cast<double>(estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes);
        EXPECT_NEAR(sum / static_cast<double>(result.stats.accounted_bytes_peak), 1, 0.02);
        EXPECT_EQ(estimate.cache_bytes, result.stats.cache_bytes_peak);
    }
}

TEST(Accumulated, IsRefusedBesideAWindowAndForTurns) {
    const test::TinyRun run;
    Session session = run.session();
    Branch branch = test::branch_of(test::random_tokens(200, 10), accumulated(64, 16));
    Sequence sequence = test::prefill_one(session, branch);
    EXPECT_EQ(sequence.cache_stats().window, 200U);
    session.append(sequence, test::random_tokens(50, 11));
    EXPECT_THAT(test::error_of(
                    ErrorKind::Usage,
                    [&] { session.append(sequence, test::random_tokens(20, 12), {.compress = accumulated(16, 8)}); }),
                ::testing::HasSubstr("cache.evidence"));
    EXPECT_EQ(sequence.tokens().size(), 250U) << "nothing was appended";
    branch.cache.window = 32;
    EXPECT_THAT(test::error_of(ErrorKind::Usage, [&] { test::prefill_one(session, branch); }),
                ::testing::AllOf(::testing::HasSubstr("cache.window"), ::testing::HasSubstr("32")));
}

}  // namespace
}  // namespace snapkv
