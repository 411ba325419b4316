#include "select/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <random>

#include "select/oracle.h"
#include "select/random_votes.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;

struct Shape {
    std::uint32_t n;
    std::uint32_t window;
    std::uint32_t budget;
    std::uint32_t sink;
};

Plan make(const Shape & shape, std::uint32_t kernel, Pooling pooling, GroupReduce group) {
    Plan plan;
    plan.compress = true;
    plan.n = shape.n;
    plan.window = shape.window;
    plan.budget = shape.budget;
    plan.sink = shape.sink;
    plan.kernel = kernel;
    plan.pooling = pooling;
    plan.group = group;
    return plan;
}

oracle::Selection expected(const Plan & plan, const std::vector<float> & votes) {
    return oracle::select(votes, plan.n, plan.window, plan.budget, plan.sink, plan.kernel, plan.pooling, plan.group);
}

/// Positions that only one of the two sets holds.
std::vector<std::uint32_t> differing(const std::vector<std::uint32_t> & a, const std::vector<std::uint32_t> & b) {
    std::vector<std::uint32_t> positions;
    std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(positions));
    return positions;
}

const Shape kShapes[] = {{3, 1, 2, 0},      {17, 3, 9, 0},      {101, 16, 33, 4},    {257, 32, 256, 1},
                         {641, 31, 64, 32}, {1000, 16, 256, 0}, {2049, 100, 1024, 7}};

/// Calls `check(plan, votes)` for every shape, pooling and aggregation with changing kernels (1..15) and groups
/// (1..16).
template <typename Check>
void for_all_plans(Votes kind, Check check) {
    std::mt19937 random(5);
    std::uint32_t turn = 0;
    for (const Shape & shape : kShapes) {
        for (const Pooling pooling : {Pooling::None, Pooling::Max, Pooling::Avg}) {
            for (const GroupReduce how : {GroupReduce::Mean, GroupReduce::Max, GroupReduce::Sum}) {
                for (std::uint32_t repeat = 0; repeat < 8; ++repeat, ++turn) {
                    const Plan plan = make(shape, 1 + 2 * (turn % 8), pooling, how);
                    std::size_t group = 1 + turn % 16;
                    if (how == GroupReduce::Mean && pooling == Pooling::Avg && kind != Votes::Attention) {
                        group = std::bit_floor(group);  // sums of thirds do not tie, not even in double precision
                    }
                    check(plan, random_votes(kind, group * plan.prefix(), random));
                }
            }
        }
    }
}

TEST(KeepPositions, EqualsTheOracleSaveAtTheCut) {
    for_all_plans(Votes::Attention, [](const Plan & plan, const std::vector<float> & votes) {
        const oracle::Selection selection = expected(plan, votes);
        const std::vector<std::uint32_t> kept = keep_positions(plan, votes);
        ASSERT_EQ(kept.size(), plan.budget);
        ASSERT_TRUE(std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) == kept.end());
        for (const std::uint32_t position : differing(kept, selection.kept)) {
            ASSERT_GE(position, plan.sink);
            ASSERT_LT(position, plan.prefix());
            EXPECT_TRUE(oracle::at_the_cut(selection, position)) << position;
        }
    });
}

TEST(KeepPositions, EqualsTheOracleExactlyWhereArithmeticIsExact) {
    for (const Votes kind : {Votes::FewValues, Votes::Zeros, Votes::WithNaN}) {
        for_all_plans(kind, [](const Plan & plan, const std::vector<float> & votes) {
            EXPECT_EQ(keep_positions(plan, votes), expected(plan, votes).kept)
                << "n " << plan.n << ", kernel " << plan.kernel;
        });
    }
}

TEST(KeepPositions, KeepsBudgetLessWindowOfThePrefix) {
    std::mt19937 random(6);
    const Plan plan = make({1000, 16, 256, 0}, 5, Pooling::Max, GroupReduce::Mean);
    const std::vector<std::uint32_t> kept = keep_positions(plan, random_votes(Votes::Attention, 3 * 984, random));
    ASSERT_EQ(kept.size(), 256U);
    EXPECT_LT(kept[239], 984U);
    for (std::uint32_t i = 0; i < 16; ++i) {
        EXPECT_EQ(kept[240 + i], 984 + i);
    }
}

TEST(KeepPositions, SinksStayWithoutVotesAndVoteForTheirNeighbours) {
    // The first position holds the best vote: pooled, it lifts its neighbour 1, which no sink keeps.
    const Plan plan = make({10, 2, 5, 1}, 3, Pooling::Max, GroupReduce::Mean);
    EXPECT_THAT(keep_positions(plan, std::vector<float>{9, 0, 0, 0, 0, 0, 5, 0}), ElementsAre(0, 1, 5, 8, 9));
    EXPECT_THAT(keep_positions(plan, std::vector<float>{0, 0, 0, 0, 0, 0, 5, 0}), ElementsAre(0, 5, 6, 8, 9));
}

TEST(KeepPositions, TheWindowIsNeverVotedOut) {
    const Plan plan = make({8, 3, 5, 0}, 1, Pooling::None, GroupReduce::Sum);
    EXPECT_THAT(keep_positions(plan, std::vector<float>(5, 0.0F)), ElementsAre(0, 1, 5, 6, 7));
}

TEST(KeepPositions, AggregationDecides) {
    const std::vector<float> votes = {5, 0, 3, 0, 0, 3};  // two heads, three columns
    const Shape shape = {4, 1, 2, 0};
    EXPECT_THAT(keep_positions(make(shape, 1, Pooling::None, GroupReduce::Max), votes), ElementsAre(0, 3));
    EXPECT_THAT(keep_positions(make(shape, 1, Pooling::None, GroupReduce::Mean), votes), ElementsAre(2, 3));
    EXPECT_THAT(keep_positions(make(shape, 1, Pooling::None, GroupReduce::Sum), votes), ElementsAre(2, 3));
}

}  // namespace
}  // namespace snapkv::select
