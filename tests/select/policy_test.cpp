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
#include "support/positions.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;

struct Shape {
    std::uint32_t n;
    std::uint32_t window;
    std::uint32_t budget;
    std::uint32_t sink;
};

Plan make(const Shape & shape, const Cluster & how, GroupReduce group) {
    Plan plan;
    plan.compress = true;
    plan.n = shape.n;
    plan.window = shape.window;
    plan.recent = shape.window;
    plan.budget = shape.budget;
    plan.sink = shape.sink;
    plan.cluster = how;
    plan.group = group;
    return plan;
}

oracle::Selection expected(const Plan & plan, const std::vector<float> & votes) {
    return oracle::select(votes, plan.n, plan.recent, plan.budget, plan.sink, plan.cluster, plan.group);
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
                    const Plan plan = make(shape, Cluster::kernel(1 + 2 * (turn % 8), pooling), how);
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
        const std::vector<std::uint32_t> kept = test::indices(keep_positions(plan, votes));
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
            EXPECT_EQ(test::indices(keep_positions(plan, votes)), expected(plan, votes).kept)
                << "n " << plan.n << ", kernel " << 2 * plan.cluster.back + 1;
        });
    }
}

// What b rows keep is part of what b + 1 rows keep, whatever the rule.
TEST(KeepPositions, MoreRowsKeepTheSameAndMore) {
    std::mt19937 random(7);
    const std::vector<Mark> marks = random_marks(300, random);
    for (const Cluster & how :
         {Cluster::kernel(7), Cluster{.back = 2, .ahead = 9}, Cluster::kernel(5, Pooling::Avg), Cluster::reach(1, 4),
          Cluster::chunk(20), Cluster{.rule = Cluster::Rule::Reach, .words = true, .stops = true},
          Cluster{.back = 0, .ahead = 4, .words = true}}) {
        for (const Votes kind : {Votes::Attention, Votes::FewValues}) {
            const std::vector<float> votes = random_votes(kind, std::size_t{2} * 284, random);
            std::vector<std::uint32_t> fewer;
            for (std::uint32_t budget = 18; budget < 300; ++budget) {
                Plan plan = make({300, 16, budget, 1}, how, GroupReduce::Mean);
                const std::vector<std::uint32_t> kept = test::indices(keep_positions(plan, votes, marks));
                ASSERT_EQ(kept.size(), budget);
                ASSERT_TRUE(std::includes(kept.begin(), kept.end(), fewer.begin(), fewer.end())) << budget;
                fewer = kept;
            }
        }
    }
}

TEST(KeepPositions, AWordThatDoesNotFitIsKeptFromItsStart) {
    std::vector<Mark> marks(10);
    for (const std::size_t start : {0U, 2U, 6U}) {
        marks[start].begins_word = true;
    }
    Plan plan = make({10, 1, 4, 0}, {.back = 0, .ahead = 0, .words = true}, GroupReduce::Mean);
    const std::vector<float> votes{0, 0, 1, 0, 5, 0, 2, 0, 0};
    EXPECT_THAT(test::indices(keep_positions(plan, votes, marks)), ElementsAre(2, 3, 4, 9));
    plan.budget = 7;
    EXPECT_THAT(test::indices(keep_positions(plan, votes, marks)), ElementsAre(2, 3, 4, 5, 6, 7, 9));
}

TEST(KeepPositions, KeepsRecentRowsNotVoters) {
    Plan plan = make({10, 6, 5, 0}, Cluster::kernel(1), GroupReduce::Mean);
    plan.recent = 2;
    EXPECT_THAT(test::indices(keep_positions(plan, std::vector<float>{0, 9, 0, 0, 0, 7, 0, 5})),
                ElementsAre(1, 5, 7, 8, 9));
}

TEST(KeepPositions, KeepsBudgetLessWindowOfThePrefix) {
    std::mt19937 random(6);
    const Plan plan = make({1000, 16, 256, 0}, Cluster::kernel(5, Pooling::Max), GroupReduce::Mean);
    const std::vector<std::uint32_t> kept =
        test::indices(keep_positions(plan, random_votes(Votes::Attention, 3 * 984, random)));
    ASSERT_EQ(kept.size(), 256U);
    EXPECT_LT(kept[239], 984U);
    for (std::uint32_t i = 0; i < 16; ++i) {
        EXPECT_EQ(kept[240 + i], 984 + i);
    }
}

TEST(KeepPositions, SinksStayWithoutVotesAndVoteForTheirNeighbours) {
    // The first position holds the best vote: pooled, it lifts its neighbour 1, which no sink keeps.
    const Plan plan = make({10, 2, 5, 1}, Cluster::kernel(3, Pooling::Max), GroupReduce::Mean);
    EXPECT_THAT(test::indices(keep_positions(plan, std::vector<float>{9, 0, 0, 0, 0, 0, 5, 0})),
                ElementsAre(0, 1, 5, 8, 9));
    EXPECT_THAT(test::indices(keep_positions(plan, std::vector<float>{0, 0, 0, 0, 0, 0, 5, 0})),
                ElementsAre(0, 5, 6, 8, 9));
}

TEST(KeepPositions, TheWindowIsNeverVotedOut) {
    const Plan plan = make({8, 3, 5, 0}, Cluster::kernel(1, Pooling::None), GroupReduce::Sum);
    EXPECT_THAT(test::indices(keep_positions(plan, std::vector<float>(5, 0.0F))), ElementsAre(0, 1, 5, 6, 7));
}

TEST(KeepPositions, AggregationDecides) {
    const std::vector<float> votes = {5, 0, 3, 0, 0, 3};  // two heads, three columns
    const Shape shape = {4, 1, 2, 0};
    EXPECT_THAT(test::indices(keep_positions(make(shape, Cluster::kernel(1, Pooling::None), GroupReduce::Max), votes)),
                ElementsAre(0, 3));
    EXPECT_THAT(test::indices(keep_positions(make(shape, Cluster::kernel(1, Pooling::None), GroupReduce::Mean), votes)),
                ElementsAre(2, 3));
    EXPECT_THAT(test::indices(keep_positions(make(shape, Cluster::kernel(1, Pooling::None), GroupReduce::Sum), votes)),
                ElementsAre(2, 3));
}

}  // namespace
}  // namespace snapkv::select
