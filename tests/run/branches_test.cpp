#include <gtest/gtest.h>

#include "product/gemm.h"
#include "run/tiny_run.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::full_cache;
using test::snapkv_cache;

/// A branch must end with the bits of a run with its prompt alone: cache, logits and answer. Where products of floats
/// sum in an order of their own for each number of rows (product/gemm.h), that holds for chunks of equally many rows,
/// and else nearly.
class Branches : public ::testing::TestWithParam<ggml_type> {
protected:
    static constexpr int kAnswer = 8;
    static constexpr std::uint32_t kLeastRows = 64;  ///< that products take: chunks of no more have all equally many

    test::TinyRun run_{test::TinyShape{.type = GetParam()}};
    std::vector<Token> trunk_ = test::random_tokens(300, 41);

    [[nodiscard]] std::vector<Token> with_suffix(std::size_t suffix, std::uint32_t seed) const {
        return test::joined(trunk_, test::random_tokens(suffix, seed));
    }

    PrefillResult expect_as_alone(const std::vector<Branch> & branches, std::uint32_t batch = kLeastRows) {
        Session session = run_.session(batch);
        PrefillResult together = session.prefill(branches);
        EXPECT_EQ(together.sequences.size(), branches.size());
        for (std::size_t index = 0; index < together.sequences.size(); ++index) {
            SCOPED_TRACE(index);
            Sequence alone = test::prefill_one(session, branches[index]);
            Sequence found = together.sequences[index].fork();
            if (batch == kLeastRows || product::gemm_rows_are_independent(product::Element::F32)) {
                expect_same(session, branches[index], alone, found);
            } else {
                EXPECT_EQ(found.cache_stats().rows_kept, alone.cache_stats().rows_kept);
                EXPECT_LT(test::nmse(found.logits(), alone.logits()), 1e-5);
            }
        }
        return together;
    }

    static void expect_same(Session & session, const Branch & branch, Sequence & alone, Sequence & found) {
        EXPECT_EQ(found.prompt_tokens(), branch.prompt.tokens.size());
        EXPECT_EQ(found.cache_stats().compressed, alone.cache_stats().compressed);
        EXPECT_EQ(found.cache_stats().rows_kept, alone.cache_stats().rows_kept);
        EXPECT_EQ(found.cache_stats().window, alone.cache_stats().window);
        EXPECT_EQ(found.kept_positions(), alone.kept_positions());
        EXPECT_TRUE(test::same_bits(found.logits(), alone.logits()));
        EXPECT_EQ(test::greedy(session, alone, kAnswer), test::greedy(session, found, kAnswer));
        EXPECT_TRUE(test::same_bits(found.logits(), alone.logits()));
    }
};

TEST_P(Branches, OfSeveralLengths) {
    expect_as_alone({branch_of(trunk_, snapkv_cache(80, 16)), branch_of(with_suffix(1, 1), snapkv_cache(80, 16)),
                     branch_of(with_suffix(25, 2), snapkv_cache(80, 16)),
                     branch_of(with_suffix(70, 3), snapkv_cache(80, 16))});
}

TEST_P(Branches, WhoseWindowsReachIntoTheTrunk) {
    expect_as_alone({branch_of(trunk_, snapkv_cache(120, 64)), branch_of(with_suffix(1, 4), snapkv_cache(120, 40)),
                     branch_of(with_suffix(25, 5), snapkv_cache(120, 70)),
                     branch_of(with_suffix(70, 6), snapkv_cache(120, 100))});
}

TEST_P(Branches, FullAndCompressedMixed) {
    expect_as_alone({branch_of(with_suffix(25, 7), full_cache()), branch_of(with_suffix(70, 8), snapkv_cache(90, 30)),
                     branch_of(trunk_, full_cache()), branch_of(with_suffix(3, 9), snapkv_cache(2000, 30))});
}

TEST_P(Branches, WithTheSamePromptAndOtherCaches) {
    expect_as_alone({branch_of(trunk_, full_cache()), branch_of(trunk_, snapkv_cache(60, 10)),
                     branch_of(trunk_, snapkv_cache(200, 50)), branch_of(trunk_, snapkv_cache(60, 10))});
}

TEST_P(Branches, WithoutACommonPrefix) {
    std::vector<Token> one = test::random_tokens(150, 51);
    std::vector<Token> other = test::random_tokens(90, 52);
    one.front() = 1;
    other.front() = 2;
    const PrefillResult result =
        expect_as_alone({branch_of(one, snapkv_cache(50, 16)), branch_of(other, full_cache())});
    EXPECT_EQ(result.stats.trunk_tokens, 0U);
    EXPECT_EQ(result.stats.computed_tokens, 240U);
}

TEST_P(Branches, WhoseSuffixesCrossChunks) {
    const PrefillResult result = expect_as_alone({branch_of(with_suffix(50, 11), snapkv_cache(80, 20)),
                                                  branch_of(with_suffix(150, 12), snapkv_cache(80, 20)),
                                                  branch_of(with_suffix(130, 13), snapkv_cache(80, 140 - 70))});
    EXPECT_EQ(result.stats.trunk_tokens, 300U);
    EXPECT_EQ(result.stats.computed_tokens, 300U + 50 + 150 + 130);
}

TEST_P(Branches, OneOfWhichIsTheOthersPrefix) {
    const std::vector<Token> longer = with_suffix(40, 14);
    const std::vector<Token> shorter(longer.begin(), longer.begin() + 310);
    const PrefillResult result =
        expect_as_alone({branch_of(longer, snapkv_cache(80, 20)), branch_of(shorter, snapkv_cache(80, 20))}, 128);
    EXPECT_EQ(result.stats.trunk_tokens, 310U);
}

/// Trunks that end before, at and behind the places where rows are shared.
TEST_P(Branches, WhoseTrunkIsLong) {
    for (const std::size_t trunk : {767U, 768U, 900U, 1536U, 1700U}) {
        SCOPED_TRACE(trunk);
        trunk_ = test::random_tokens(trunk, 42);
        expect_as_alone({branch_of(with_suffix(25, 15), full_cache()), branch_of(with_suffix(70, 16), full_cache()),
                         branch_of(trunk_, full_cache()), branch_of(with_suffix(9, 17), snapkv_cache(90, 30)),
                         branch_of(with_suffix(800, 18), snapkv_cache(300, 30))},
                        512);
    }
}

INSTANTIATE_TEST_SUITE_P(Weights, Branches, ::testing::Values(GGML_TYPE_F32, GGML_TYPE_F16));

/// Identical branches have identical bits, and share what they keep whole.
TEST(SharedTrunk, IdenticalBranchesHaveTheSameBits) {
    const test::TinyRun run;
    Session session = run.session(64);
    const std::vector<Token> prompt = test::random_tokens(200, 61);
    const std::vector<Branch> branches(3, branch_of(prompt, snapkv_cache(60, 16)));
    const PrefillResult result = session.prefill(branches);
    for (const Sequence & sequence : result.sequences) {
        EXPECT_TRUE(test::same_bits(sequence.logits(), result.sequences[0].logits()));
        EXPECT_EQ(sequence.kept_positions(), result.sequences[0].kept_positions());
    }
}

/// Branches that have the prompt in common use each other's votes where these are theirs too, in whatever order they
/// come.
TEST(SharedTrunk, VotesAreSharedOnlyWhereTheyAreTheSame) {
    const test::TinyRun run;
    Session session = run.session(64);
    const std::vector<Token> prompt = test::random_tokens(200, 63);
    std::vector<Branch> branches;
    for (const std::uint32_t rows : {60U, 90U}) {
        for (const std::uint32_t window : {16U, 24U}) {
            for (const Evidence evidence : {Evidence::Mean, Evidence::MaxFloor, Evidence::Recency}) {
                for (const std::uint32_t recent : {16U, 8U}) {
                    CacheConfig cache = snapkv_cache(rows, window);
                    cache.evidence = evidence;
                    cache.recent = recent;
                    branches.push_back(branch_of(prompt, cache));
                }
            }
        }
    }
    branches.push_back(branch_of(test::joined(prompt, test::random_tokens(5, 64)), snapkv_cache(60, 16)));
    branches.push_back(branch_of(prompt, full_cache()));
    const PrefillResult together = session.prefill(branches);
    for (std::size_t index = 0; index < branches.size(); ++index) {
        SCOPED_TRACE(index);
        const Sequence & found = together.sequences[index];
        if (branches[index].prompt.tokens != prompt) {
            continue;
        }
        const Sequence alone = test::prefill_one(session, branches[index]);
        EXPECT_EQ(found.kept_positions(), alone.kept_positions());
        EXPECT_TRUE(test::same_bits(found.logits(), alone.logits()));
    }
}

TEST(SharedTrunk, TenFullBranchesCostOneCache) {
    const test::TinyRun run;
    Session session = run.session(64);
    const std::vector<Token> trunk = test::random_tokens(1536, 62);
    std::vector<Branch> branches;
    for (std::uint32_t index = 0; index < 10; ++index) {
        branches.push_back(branch_of(test::joined(trunk, test::random_tokens(2, 70 + index)), full_cache()));
    }
    const PrefillResult result = session.prefill(branches);
    const std::uint64_t one = result.sequences[0].cache_stats().bytes_full;
    EXPECT_EQ(result.sequences[9].cache_stats().bytes_kept, one);
    EXPECT_LT(result.stats.cache_bytes_peak, one + one / 2);
}

}  // namespace
}  // namespace snapkv
