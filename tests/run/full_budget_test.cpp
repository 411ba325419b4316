#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

using test::full_cache;
using test::snapkv_cache;
using ::testing::HasSubstr;

/// A budget at or above the prompt's length must leave the bits of the full run, and say why nothing was compressed.
class FullBudget : public ::testing::TestWithParam<KvType> {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(64, 2);
    std::vector<Token> prompt_ = test::random_tokens(200, 3);

    Sequence prefilled(const CacheConfig & cache) {
        return test::prefill_one(session_, test::branch_of(prompt_, cache));
    }
};

TEST_P(FullBudget, HasTheBitsOfTheFullRun) {
    Sequence full = prefilled(full_cache(GetParam()));
    for (const std::uint32_t budget : {200U, 201U, 4000U}) {
        Sequence other = prefilled(snapkv_cache(budget, 16, GetParam()));
        EXPECT_TRUE(test::same_bits(full.logits(), other.logits())) << budget;
        EXPECT_EQ(full.kept_positions(), other.kept_positions());
        Sequence answer = full.fork();
        EXPECT_EQ(test::greedy(session_, answer, 12), test::greedy(session_, other, 12));
        EXPECT_TRUE(test::same_bits(answer.logits(), other.logits())) << budget;
    }
}

TEST_P(FullBudget, SaysWhy) {
    const Sequence other = prefilled(snapkv_cache(200, 16, GetParam()));
    const CacheStats & stats = other.cache_stats();
    EXPECT_FALSE(stats.compressed);
    EXPECT_THAT(stats.reason, HasSubstr("200"));
    EXPECT_EQ(stats.budget, 200U);
    EXPECT_EQ(stats.rows_kept, stats.rows_full);
    EXPECT_EQ(stats.bytes_kept, stats.bytes_full);
}

TEST_P(FullBudget, FullPolicySaysSo) {
    const Sequence full = prefilled(full_cache(GetParam()));
    EXPECT_FALSE(full.cache_stats().compressed);
    EXPECT_THAT(full.cache_stats().reason, HasSubstr("full"));
    EXPECT_EQ(full.cache_stats().budget, 0U);
    EXPECT_EQ(full.cache_stats().window, 0U);
}

TEST_P(FullBudget, OneRowLessCompresses) {
    const Sequence other = prefilled(snapkv_cache(199, 16, GetParam()));
    EXPECT_TRUE(other.cache_stats().compressed);
    EXPECT_EQ(other.cache_stats().reason, "");
    for (const auto & layer : other.kept_positions()) {
        for (const auto & head : layer) {
            EXPECT_EQ(head.size(), 199U);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, FullBudget, ::testing::Values(KvType::F32, KvType::F16, KvType::BF16));

}  // namespace
}  // namespace snapkv
