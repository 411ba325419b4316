// The table of policies: what each chooses, and the sets that it keeps by given votes against its authors' definition.
#include "snapkv/named_policy.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "select/plan.h"
#include "select/policy.h"
#include "select/refusal.h"
#include "snapkv/error.h"
#include "support/positions.h"

namespace snapkv::select {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Indices = std::vector<std::uint32_t>;

CacheConfig of(Policy policy, double budget = 64, Budget::Unit unit = Budget::Unit::Rows) {
    CacheConfig config;
    config.policy = policy;
    config.budget = {unit, budget};
    return config;
}

Indices range(std::uint32_t begin, std::uint32_t end) {
    Indices indices(end - begin);
    std::iota(indices.begin(), indices.end(), begin);
    return indices;
}

Indices joined(Indices one, const Indices & other) {
    one.insert(one.end(), other.begin(), other.end());
    std::sort(one.begin(), one.end());
    return one;
}

/// What each KV head keeps.
std::vector<Indices> kept(const Plan & plan, const std::vector<float> & votes, std::uint32_t kv_heads) {
    LayerChoice choice(plan, votes, kv_heads);
    for (std::uint32_t head = 0; head < kv_heads; ++head) {
        choice.score(head);
    }
    choice.allocate(plan.budget);
    std::vector<Indices> heads;
    for (std::uint32_t head = 0; head < kv_heads; ++head) {
        heads.push_back(test::indices(choice.keep(head)));
    }
    return heads;
}

std::vector<float> random_numbers(std::size_t count, std::uint32_t levels) {
    std::mt19937 random(static_cast<std::uint32_t>(count) + levels);
    std::vector<float> numbers(count);
    std::generate(numbers.begin(), numbers.end(), [&] { return static_cast<float>(random() % levels); });
    return numbers;
}

/// The sum of a column over query heads.
double column(const std::vector<float> & votes, std::uint32_t first_head, std::uint32_t heads, std::uint32_t columns,
              std::uint32_t at) {
    double sum = 0;
    for (std::uint32_t head = first_head; head < first_head + heads; ++head) {
        sum += static_cast<double>(votes[std::size_t{head} * columns + at]);
    }
    return sum;
}

/// The best of some positions by a function that says whether one is better than another; ties to the earlier.
template <typename Better>
Indices best(Indices positions, std::uint32_t count, const Better & better) {
    std::stable_sort(positions.begin(), positions.end(), better);
    positions.resize(count);
    std::sort(positions.begin(), positions.end());
    return positions;
}

TEST(NamedPolicies, AreInTheOrderOfTheEnumerationAndDiffer) {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < named_policies().size(); ++index) {
        const NamedPolicy & policy = named_policies()[index];
        EXPECT_EQ(static_cast<std::size_t>(policy.policy), index);
        EXPECT_TRUE(names.insert(policy.name).second) << policy.name;
        EXPECT_FALSE(policy.keeps.empty() || policy.cost.empty()) << policy.name;
        EXPECT_TRUE(policy.source.empty() || policy.source.size() == 10) << policy.name;
    }
    EXPECT_EQ(&named_policy(Policy::Lava), &named_policies().back());
}

TEST(NamedPolicies, StreamingKeepsFourSinksAndTheLastRowsWithoutAVote) {
    const Plan plan = make_plan(of(Policy::Streaming, 20), 100, 30);
    EXPECT_TRUE(plan.compress);
    EXPECT_FALSE(plan.votes());
    EXPECT_EQ(plan.window, 0U);
    EXPECT_FALSE(plan.window_cuts_question);
    EXPECT_EQ(kept(plan, {}, 2), std::vector<Indices>(2, joined(range(0, 4), range(84, 100))));
    const Plan percent = make_plan(of(Policy::Streaming, 12.5, Budget::Unit::Percent), 100, 0);
    EXPECT_EQ(percent.budget, 12U) << "floor of 12.5";
    EXPECT_EQ(kept(percent, {}, 1), std::vector<Indices>(1, joined(range(0, 4), range(92, 100))));
    EXPECT_FALSE(make_plan(of(Policy::Streaming, 4, Budget::Unit::Percent), 100, 0).compress) << "the sinks alone";
    EXPECT_TRUE(make_plan(of(Policy::Streaming, 5), 100, 0).compress);
    EXPECT_THAT(refusal(of(Policy::Streaming, 4), "cache.budget"),
                AllOf(HasSubstr("cache.budget is 4"), HasSubstr("cache.policy streaming"), HasSubstr("at least 5")));
}

TEST(NamedPolicies, NoEvidenceIsAChoiceOfItsOwn) {
    CacheConfig config = of(Policy::Auto, 20);
    config.evidence = Evidence::None;
    EXPECT_EQ(kept(make_plan(config, 100, 0), {}, 1), std::vector<Indices>(1, range(80, 100)));
    config.sink = 7;
    EXPECT_EQ(kept(make_plan(config, 100, 0), {}, 1), std::vector<Indices>(1, joined(range(0, 7), range(87, 100))));
}

TEST(NamedPolicies, StreamingShrinksTurnsToTheirEnds) {
    const Plan plan = make_turn_plan(of(Policy::Streaming, 10), 50, 6);
    ASSERT_TRUE(plan.compress);
    EXPECT_EQ(plan.window, 0U);
    EXPECT_EQ(plan.prefix(), 50U);
    EXPECT_EQ(kept(plan, {}, 1), std::vector<Indices>(1, joined(range(0, 4), range(44, 56))));
}

TEST(NamedPolicies, TovaIsTheLastTokensVoteOverTheWholeLayer) {
    for (const std::uint32_t question : {0U, 40U}) {
        const Plan plan = make_plan(of(Policy::Tova, 33), 150, question);
        EXPECT_TRUE(plan.votes());
        EXPECT_EQ(plan.window, 1U);
        EXPECT_EQ(plan.prefix(), 150U) << "nothing is protected";
        EXPECT_FALSE(plan.window_cuts_question);
        for (const std::uint32_t levels : {3U, 100000U}) {
            const std::vector<float> votes = random_numbers(std::size_t{6} * 150, levels);
            const Indices expected = best(range(0, 150), 33, [&](std::uint32_t a, std::uint32_t b) {
                return column(votes, 0, 6, 150, a) > column(votes, 0, 6, 150, b);
            });
            EXPECT_EQ(kept(plan, votes, 3), std::vector<Indices>(3, expected));
        }
    }
    EXPECT_EQ(make_plan(of(Policy::Tova, 10, Budget::Unit::Percent), 155, 0).budget, 15U);
    EXPECT_EQ(make_plan(of(Policy::Tova, 1), 155, 0).budget, 1U);
    EXPECT_EQ(make_turn_plan(of(Policy::Tova, 10), 50, 6).window, 1U);
}

TEST(NamedPolicies, H2oKeepsHeavyHittersAndAsManyRecentRows) {
    for (const std::uint32_t budget : {2U, 31U, 64U}) {
        const Plan plan = make_plan(of(Policy::H2O, budget), 200, 50);
        EXPECT_EQ(plan.window, 200U) << "every token votes";
        EXPECT_EQ(plan.recent, budget - budget / 2);
        const std::uint32_t prefix = 200 - plan.recent;
        const std::vector<float> votes = random_numbers(std::size_t{4} * prefix, 50);
        const std::vector<Indices> found = kept(plan, votes, 2);
        for (std::uint32_t head = 0; head < 2; ++head) {
            const Indices heavy = best(range(0, prefix), budget / 2, [&](std::uint32_t a, std::uint32_t b) {
                return column(votes, 2 * head, 2, prefix, a) > column(votes, 2 * head, 2, prefix, b);
            });
            EXPECT_EQ(found[head], joined(heavy, range(prefix, 200)));
        }
    }
    const Plan percent = make_plan(of(Policy::H2O, 15, Budget::Unit::Percent), 207, 0);
    EXPECT_EQ(percent.budget, 31U);
    EXPECT_EQ(percent.recent, 16U);
    CacheConfig config = of(Policy::H2O, 10);
    config.sink = 5;
    EXPECT_THAT(refusal(config, "cache.budget"), HasSubstr("at least 12"));
    config.sink = 4;
    config.recent = 3;
    EXPECT_EQ(make_plan(config, 100, 0).recent, 3U) << "named";
    EXPECT_THROW(make_turn_plan(of(Policy::H2O), 500, 40), Error);
}

TEST(NamedPolicies, ScissorHandsDropsWhatIsMostOftenLow) {
    const Plan plan = make_plan(of(Policy::ScissorHands, 50), 600, 20);
    EXPECT_EQ(plan.window, 400U);
    EXPECT_EQ(plan.recent, 10U);
    EXPECT_EQ(make_plan(of(Policy::ScissorHands, 50), 300, 0).window, 300U) << "of a shorter prompt all tokens";
    constexpr std::uint32_t kPrefix = 590;
    std::vector<float> votes = random_numbers(std::size_t{6} * kPrefix, 4);          // times that it is not low
    const std::vector<float> weights = random_numbers(std::size_t{6} * kPrefix, 6);  // summed, with ties of their own
    votes.insert(votes.end(), weights.begin(), weights.end());
    const std::vector<Indices> found = kept(plan, votes, 2);
    for (std::uint32_t head = 0; head < 2; ++head) {
        const Indices pivotal = best(range(0, kPrefix), 40, [&](std::uint32_t a, std::uint32_t b) {
            const double low_a = -column(votes, 3 * head, 3, kPrefix, a);
            const double low_b = -column(votes, 3 * head, 3, kPrefix, b);
            return low_a < low_b || (low_a == low_b && column(weights, 3 * head, 3, kPrefix, a) >
                                                           column(weights, 3 * head, 3, kPrefix, b));
        });
        EXPECT_EQ(found[head], joined(pivotal, range(kPrefix, 600)));
    }
    EXPECT_THAT(refusal(of(Policy::ScissorHands, 10), "cache.budget"), HasSubstr("at least 11"));
}

TEST(NamedPolicies, AdaIsSnapKvWithRowsSharedByTheHeads) {
    const Plan ada = make_plan(of(Policy::Ada), 500, 40);
    CacheConfig config = of(Policy::SnapKV);
    config.allocation = Allocation::Heads;
    const Plan expected = make_plan(config, 500, 40);
    EXPECT_EQ(ada.window, expected.window);
    EXPECT_EQ(ada.cluster, expected.cluster);
    EXPECT_EQ(ada.allocation, Allocation::Heads);
    std::vector<float> votes = random_numbers(std::size_t{4} * ada.prefix(), 1000);
    std::for_each(votes.begin() + static_cast<std::ptrdiff_t>(votes.size() / 2), votes.end(),
                  [](float & vote) { vote *= 3; });
    const std::vector<Indices> found = kept(ada, votes, 2);
    EXPECT_EQ(found, kept(expected, votes, 2));
    EXPECT_EQ(found[0].size() + found[1].size(), 128U);
    EXPECT_LT(found[0].size(), found[1].size());
}

TEST(NamedPolicies, KeyDiffHasNoVoters) {
    const Plan plan = make_plan(of(Policy::KeyDiff, 60), 200, 25);
    EXPECT_TRUE(plan.votes());
    EXPECT_EQ(plan.window, 0U);
    EXPECT_EQ(plan.recent, 28U) << "half of what the sinks leave";
    EXPECT_FALSE(plan.window_cuts_question);
    const std::vector<float> differences = random_numbers(std::size_t{2} * plan.prefix(), 9);
    const std::vector<Indices> found = kept(plan, differences, 2);
    for (std::uint32_t head = 0; head < 2; ++head) {
        const Indices unlike = best(range(4, plan.prefix()), 28, [&](std::uint32_t a, std::uint32_t b) {
            return column(differences, head, 1, plan.prefix(), a) > column(differences, head, 1, plan.prefix(), b);
        });
        EXPECT_EQ(found[head], joined(joined(range(0, 4), unlike), range(plan.prefix(), 200)));
    }
    CacheConfig config = of(Policy::KeyDiff);
    config.window = 9;
    EXPECT_THAT(refusal(config, "cache.window"), AllOf(HasSubstr("cache.policy keydiff"), HasSubstr("no token votes")));
}

TEST(NamedPolicies, ChunkKeepsTheBestChunksInAllHeads) {
    const Plan plan = make_plan(of(Policy::Chunk, 92), 217, 10);
    EXPECT_EQ(plan.window, 32U);
    ASSERT_EQ(plan.prefix(), 185U);
    std::vector<float> votes(plan.prefix());
    votes[47] = 3;   // chunk 2
    votes[121] = 2;  // chunk 6
    votes[122] = 2;
    votes[182] = 1;  // the last, of 5 rows: its mean is the largest
    const std::vector<Indices> found = kept(plan, votes, 1);
    const Indices expected = joined(range(40, 60), joined(range(120, 140), range(180, 217)));
    // 20 + 20 + 5 rows and the window are 77; of the others, which tie, the first.
    EXPECT_EQ(found[0], joined(range(0, 15), expected));
    CacheConfig config = of(Policy::Chunk, 92);
    config.allocation = Allocation::Heads;
    EXPECT_THAT(refusal(config, "cache.allocation"), HasSubstr("cache.group layer"));
}

TEST(NamedPolicies, DropKVKeepsByTheSumOverTheGroup) {
    const Plan plan = make_plan(of(Policy::DropKV, 50), 200, 20);
    EXPECT_EQ(plan.evidence, Evidence::Output);
    EXPECT_EQ(plan.window, 25U) << "half of the budget at most";
    ASSERT_EQ(plan.recent, 25U);
    std::vector<float> changes(std::size_t{2} * plan.prefix());
    for (std::uint32_t row = 30; row < 54; ++row) {
        changes[row] = 3;
        changes[plan.prefix() + row + 1] = 2;  // row 30 has 3 in all, row 54 has 2, those between 5
    }
    EXPECT_EQ(kept(plan, changes, 1)[0], joined(range(30, 55), range(175, 200)));
    CacheConfig config = of(Policy::DropKV, 50);
    config.evidence = Evidence::Mean;
    EXPECT_THAT(refusal(config, "cache.evidence"), HasSubstr("cache.policy dropkv"));
}

TEST(NamedPolicies, RefuseWhatContradictsThem) {
    CacheConfig config = of(Policy::Streaming);
    config.window = 32;
    EXPECT_THAT(refusal(config, "cache.window"), AllOf(HasSubstr("cache.policy streaming"), HasSubstr("no vote")));
    config = of(Policy::Streaming);
    config.recent = 8;
    refusal(config, "cache.recent");
    config = of(Policy::Streaming);
    config.group = GroupReduce::Max;
    refusal(config, "cache.group");
    config = of(Policy::Streaming);
    config.cluster = Cluster::kernel(7);
    refusal(config, "cache.cluster");
    config = of(Policy::Streaming);
    config.allocation = Allocation::Heads;
    refusal(config, "cache.allocation");
    config = of(Policy::H2O);
    config.window = 16;
    EXPECT_THAT(refusal(config, "cache.window"),
                AllOf(HasSubstr("cache.window is 16"), HasSubstr("cache.policy h2o every token votes")));
    for (const Policy policy : {Policy::Streaming, Policy::Tova, Policy::H2O, Policy::ScissorHands}) {
        config = of(policy);
        config.evidence = Evidence::Rms;
        EXPECT_THAT(refusal(config, "cache.evidence"),
                    AllOf(HasSubstr("rms"), HasSubstr(fmt::format("cache.policy {}", named_policy(policy).name)),
                          HasSubstr("expected auto")));
        config.evidence = named_policy(policy).evidence;
        EXPECT_TRUE(make_plan(config, 1000, 0).compress) << "its own may be named";
    }
    config = of(Policy::Tova);
    config.allocation = Allocation::Heads;
    EXPECT_THAT(refusal(config, "cache.allocation"), AllOf(HasSubstr("cache.group layer"), HasSubstr("even")));
    config = of(Policy::Ada);
    config.group = GroupReduce::Layer;
    refusal(config, "cache.allocation");
    config = of(Policy::Ada);
    config.evidence = Evidence::None;
    EXPECT_EQ(make_plan(config, 1000, 0).recent, 64U) << "nobody named the allocation";
}

}  // namespace
}  // namespace snapkv::select
