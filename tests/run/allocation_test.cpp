// Heads and layers that keep different numbers of rows, through everything that rows go through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "run/loaded_family.h"
#include "run/tiny_run.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

class RaggedHeadsOf : public ::testing::TestWithParam<const char *> {};

TEST_P(RaggedHeadsOf, HaveTheBudgetOnAverageAndGoOn) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    Branch branch = test::branch_of(test::random_tokens(900, 1), test::snapkv_cache(64, 16));
    const Sequence even = test::prefill_one(session, branch);
    branch.cache.allocation = Allocation::Heads;
    Sequence ragged = test::prefill_one(session, branch);
    const CacheStats & stats = ragged.cache_stats();
    EXPECT_EQ(stats.allocation, Allocation::Heads);
    EXPECT_EQ(stats.rows_kept, even.cache_stats().rows_kept);
    EXPECT_EQ(stats.bytes_kept, even.cache_stats().bytes_kept);
    EXPECT_EQ(even.cache_stats().rows_per_head.least <= 64, true);
    const bool several = session.model().info().kv_heads > 1;
    const KeptPositions kept = ragged.kept_positions();
    bool differ = false;
    for (const auto & layer : kept) {
        for (const auto & head : layer) {
            differ = differ || head.size() != layer.front().size();
        }
    }
    EXPECT_EQ(differ, several);
    // The rows that are said to be there are.
    EXPECT_LE(stats.rows_per_head.least, stats.rows_per_head.median);
    EXPECT_EQ(stats.rows_per_head.least < stats.rows_per_head.most, several || GetParam() == std::string("gemma3"));
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session.save(ragged, folder.path() / "cache"));
    Sequence loaded = session.load(folder.path() / "cache");
    EXPECT_TRUE(loaded.kept_positions() == kept);
    EXPECT_EQ(loaded.cache_stats().rows_per_head.most, stats.rows_per_head.most);
    EXPECT_EQ(test::greedy(session, loaded, 4), test::greedy(session, ragged, 4));
    session.append(ragged, test::random_tokens(30, 2));
    session.append(loaded, test::random_tokens(30, 2));
    EXPECT_TRUE(test::same_bits(ragged.logits(), loaded.logits()));
}

// Rows are an outcome, which the most bounds: in the plan's estimate, and of each head.
TEST_P(RaggedHeadsOf, HoldTheMassThatIsAskedFor) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    Branch branch = test::branch_of(test::random_tokens(900, 1), test::snapkv_cache(64, 16));
    branch.cache.budget = {Budget::Unit::Mass, 60, 500};
    PrefillResult result = session.prefill({&branch, 1});
    Sequence sequence = std::move(result.sequences.front());
    EXPECT_GE(session.estimate({&branch, 1}, 0).cache_bytes, result.stats.cache_bytes_peak);
    const CacheStats & stats = sequence.cache_stats();
    EXPECT_TRUE(stats.compressed);
    EXPECT_EQ(stats.budget, 500U);
    std::uint64_t rows = 0;
    std::uint64_t attending = 0;
    const KeptPositions kept = sequence.kept_positions();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        const LayerAttention & attention = session.model().info().attention[layer];
        for (const std::vector<Position> & head : kept[layer]) {
            rows += head.size();
            ++attending;
            if (attention.window == 0) {
                EXPECT_GE(head.size(), Budget::kLeast);
                EXPECT_LE(head.size(), 500U);
            }
        }
    }
    EXPECT_EQ(stats.rows_kept, rows);
    EXPECT_LT(rows, 500 * attending);
    const auto kept_rows = [&](double percent) {
        branch.cache.budget.value = percent;
        return test::prefill_one(session, branch).cache_stats().rows_kept;
    };
    EXPECT_GT(kept_rows(80), rows);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session.save(sequence, folder.path() / "cache"));
    Sequence loaded = session.load(folder.path() / "cache");
    EXPECT_TRUE(loaded.kept_positions() == kept);
    EXPECT_EQ(loaded.cache_stats().config.budget.unit, Budget::Unit::Mass);
    EXPECT_EQ(loaded.cache_stats().config.budget.most, 500U);
    EXPECT_EQ(test::greedy(session, loaded, 4), test::greedy(session, sequence, 4));
}

/// Layers that keep different numbers of rows.
class RaggedLayersOf : public ::testing::TestWithParam<const char *> {};

TEST_P(RaggedLayersOf, HaveTheirBudgetsAndGoOn) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    Branch branch = test::branch_of(test::random_tokens(900, 1), test::policy_cache(Policy::Pyramid, 64));
    PrefillResult result = session.prefill({&branch, 1});
    Sequence sequence = std::move(result.sequences.front());
    EXPECT_EQ(session.estimate({&branch, 1}, 0).cache_bytes, result.stats.cache_bytes_peak);
    const CacheStats stats = sequence.cache_stats();
    EXPECT_EQ(stats.allocation, Allocation::Pyramid);
    const KeptPositions kept = sequence.kept_positions();
    std::vector<std::size_t> voted_on;  // rows of a head in each layer
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        const LayerAttention & attention = session.model().info().attention[layer];
        if (!attention.recurs && attention.window == 0) {
            voted_on.push_back(kept[layer].front().size());
            EXPECT_THAT(kept[layer], ::testing::Each(::testing::SizeIs(voted_on.back())));
        }
    }
    EXPECT_EQ(std::accumulate(voted_on.begin(), voted_on.end(), std::size_t{0}), 64 * voted_on.size());
    EXPECT_TRUE(std::is_sorted(voted_on.rbegin(), voted_on.rend()));
    if (voted_on.size() > 1) {
        EXPECT_GT(voted_on.front(), voted_on.back());
        EXPECT_LE(stats.rows_per_head.least, voted_on.back());
        EXPECT_GE(stats.rows_per_head.most, voted_on.front());
    }
    branch.cache = test::policy_cache(Policy::SnapKV, 64);
    const Sequence even = test::prefill_one(session, branch);
    EXPECT_EQ(stats.rows_kept, even.cache_stats().rows_kept);
    EXPECT_EQ(stats.bytes_kept, even.cache_stats().bytes_kept);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session.save(sequence, folder.path() / "cache"));
    Sequence loaded = session.load(folder.path() / "cache");
    Sequence forked = sequence.fork();
    EXPECT_TRUE(loaded.kept_positions() == kept);
    const std::vector<Token> answer = test::greedy(session, sequence, 4);
    EXPECT_EQ(test::greedy(session, loaded, 4), answer);
    EXPECT_EQ(test::greedy(session, forked, 4), answer);
    EXPECT_TRUE(test::same_bits(sequence.logits(), loaded.logits()));
}

INSTANTIATE_TEST_SUITE_P(Families, RaggedLayersOf, ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2"),
                         [](const auto & info) { return std::string(info.param); });

INSTANTIATE_TEST_SUITE_P(Families, RaggedHeadsOf, ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2"),
                         [](const auto & info) { return std::string(info.param); });

}  // namespace
}  // namespace snapkv
