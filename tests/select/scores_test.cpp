#include "select/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <vector>

#include <limits>
#include <random>

#include "select/near.h"
#include "select/oracle.h"
#include "select/random_votes.h"
#include "support/positions.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> reduced(const std::vector<float> & heads, std::size_t columns, GroupReduce how) {
    std::vector<float> out(columns, 77.0F);
    reduce_group(heads, columns, how, out);
    return out;
}

TEST(ReduceGroup, EqualsTheOracle) {
    std::mt19937 random(1);
    for (std::size_t group = 1; group <= 16; ++group) {
        for (const std::size_t columns : {1U, 2U, 31U, 257U}) {
            for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::WithNaN}) {
                const std::vector<float> heads = random_votes(kind, group * columns, random);
                for (const GroupReduce how : {GroupReduce::Mean, GroupReduce::Max, GroupReduce::Sum}) {
                    const double relative = how == GroupReduce::Max ? 0 : 2e-6;
                    expect_near(reduced(heads, columns, how), oracle::reduce(heads, columns, how), relative);
                }
            }
        }
    }
}

TEST(ReduceGroup, MeanDividesByTheGroup) {
    EXPECT_THAT(reduced({1, 2, 3, 6}, 2, GroupReduce::Mean), ElementsAre(2, 4));
    EXPECT_THAT(reduced({1, 2, 3, 6}, 2, GroupReduce::Sum), ElementsAre(4, 8));
    EXPECT_THAT(reduced({1, 7, 3, 6}, 2, GroupReduce::Max), ElementsAre(3, 7));
}

TEST(ReduceGroup, MaxIgnoresNaNInWhicheverHead) {
    EXPECT_THAT(reduced({kNaN, 2, kNaN, 1, kNaN, kNaN}, 3, GroupReduce::Max), ElementsAre(1, 2, -kInfinity));
}

TEST(TopPositions, EqualsTheOracle) {
    std::mt19937 random(4);
    for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::Zeros, Votes::WithNaN}) {
        for (const std::uint32_t size : {1U, 2U, 5U, 64U, 511U, 3001U}) {
            const std::vector<float> scores = random_votes(kind, size, random);
            for (const std::uint32_t first : {0U, 1U, size / 3, size}) {
                const std::uint32_t most = size - first;
                for (const std::uint32_t count : {0U, std::min(1U, most), most / 7, most / 2, most}) {
                    EXPECT_EQ(test::indices(top_positions({scores}, first, count)),
                              oracle::top(widened(scores), first, count))
                        << size << ' ' << first << ' ' << count;
                }
            }
        }
    }
}

TEST(TopPositions, TiesGoToTheEarlierPosition) {
    EXPECT_THAT(test::indices(top_positions({std::vector<float>{1, 2, 1, 2, 1, 2}}, 0, 4)), ElementsAre(0, 1, 3, 5));
    EXPECT_THAT(test::indices(top_positions({std::vector<float>(9, 0.0F)}, 2, 3)), ElementsAre(2, 3, 4));
    EXPECT_THAT(test::indices(top_positions({std::vector<float>{-0.0F, 0.0F, -0.0F}}, 0, 2)), ElementsAre(0, 1));
}

TEST(TopPositions, NaNIsLowestWhateverItsSign) {
    EXPECT_THAT(test::indices(top_positions({std::vector<float>{kNaN, -1, -kNaN, -kInfinity, 3}}, 0, 3)),
                ElementsAre(1, 3, 4));
    EXPECT_THAT(test::indices(top_positions({std::vector<float>{kNaN, -kNaN, kNaN}}, 0, 2)), ElementsAre(0, 1));
}

TEST(TopPositions, OrdersNegativeScores) {
    EXPECT_THAT(test::indices(top_positions({std::vector<float>{-3, -1, -2, kInfinity, 0}}, 0, 3)),
                ElementsAre(1, 3, 4));
}

TEST(TopPositions, TiesAreSettledByTheSecondNumberThenByPosition) {
    EXPECT_THAT(test::indices(top_positions({{2, 1, 1, 1, 1, 0}, {0, 1, 3, 1, 2, 9}}, 0, 4)), ElementsAre(0, 1, 2, 4));
    EXPECT_THAT(test::indices(top_positions({{1, 1, 1}, {kNaN, -1, 0.0F}}, 0, 2)), ElementsAre(1, 2));
    std::mt19937 random(8);
    for (std::uint32_t round = 0; round < 50; ++round) {
        RankedScores of{std::vector<float>(97), std::vector<float>(97)};
        std::generate(of.scores.begin(), of.scores.end(), [&] { return static_cast<float>(random() % 5); });
        std::generate(of.ties.begin(), of.ties.end(), [&] { return static_cast<float>(random() % 7) / 8; });
        oracle::Row both;  // as one number, which is exact here
        for (std::size_t i = 0; i < of.scores.size(); ++i) {
            both.push_back(static_cast<double>(of.scores[i]) + static_cast<double>(of.ties[i]));
        }
        EXPECT_EQ(test::indices(top_positions(of, round % 7, round)), oracle::top(both, round % 7, round));
    }
}

}  // namespace
}  // namespace snapkv::select
