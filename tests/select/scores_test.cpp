#include "select/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "select/oracle.h"
#include "select/random_votes.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> reduced(const std::vector<float> & heads, std::size_t columns, GroupReduce how) {
    std::vector<float> out(columns, 77.0F);
    reduce_group(heads, columns, how, out);
    return out;
}

std::vector<float> pooled(const std::vector<float> & scores, std::uint32_t kernel, Pooling how) {
    std::vector<float> out(scores.size(), 77.0F);
    pool(scores, kernel, how, out);
    return out;
}

oracle::Row widened(const std::vector<float> & row) {
    return {row.begin(), row.end()};
}

/// Equal within `relative` of the expected value; NaN only where NaN is expected.
void expect_near(const std::vector<float> & found, const oracle::Row & expected, double relative) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto value = static_cast<double>(found[i]);
        if (std::isnan(expected[i])) {
            EXPECT_TRUE(std::isnan(value)) << i;
        } else if (value != expected[i]) {
            // A float under the smallest normal one has fewer digits than the tolerance asks for.
            EXPECT_NEAR(value, expected[i], std::max(relative * std::abs(expected[i]), 1e-44)) << i;
        }
    }
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

TEST(Pool, EqualsTheOracle) {
    std::mt19937 random(2);
    for (std::uint32_t kernel = 1; kernel <= 15; kernel += 2) {
        for (const std::size_t size : {1U, 2U, 3U, 7U, 15U, 16U, 101U, 640U}) {
            for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::WithNaN}) {
                const std::vector<float> scores = random_votes(kind, size, random);
                for (const Pooling how : {Pooling::None, Pooling::Max, Pooling::Avg}) {
                    const double relative = how == Pooling::Avg ? 2e-6 : 0;
                    if (how == Pooling::None && kind == Votes::WithNaN) {
                        continue;  // NaN stays what it is, and equals nothing
                    }
                    expect_near(pooled(scores, kernel, how), oracle::pool(widened(scores), kernel, how), relative);
                }
            }
        }
    }
}

TEST(Pool, AvgDividesByTheKernelAtTheEdges) {
    EXPECT_THAT(pooled({3, 3, 3, 3, 3}, 3, Pooling::Avg), ElementsAre(2, 3, 3, 3, 2));
    EXPECT_THAT(pooled({10}, 5, Pooling::Avg), ElementsAre(2));
}

TEST(Pool, MaxNeverTakesItsPadding) {
    EXPECT_THAT(pooled({-3, -2, -5, -7}, 3, Pooling::Max), ElementsAre(-2, -2, -2, -5));
}

TEST(Pool, MaxIgnoresNaN) {
    EXPECT_THAT(pooled({kNaN, 1, kNaN, kNaN, kNaN}, 3, Pooling::Max), ElementsAre(1, 1, 1, -kInfinity, -kInfinity));
}

TEST(Pool, NoneLeavesTheScores) {
    EXPECT_THAT(pooled({4, 1, 3}, 7, Pooling::None), ElementsAre(4, 1, 3));
}

TEST(Pool, TakesAKernelWiderThanTheRow) {
    constexpr std::uint32_t kWidest = std::numeric_limits<std::uint32_t>::max();
    EXPECT_THAT(pooled({1, 5, 2}, kWidest, Pooling::Max), ElementsAre(5, 5, 5));
    EXPECT_THAT(pooled({1, 5, 3}, 9, Pooling::Avg), ElementsAre(1, 1, 1));
    std::mt19937 random(3);
    const std::vector<float> scores = random_votes(Votes::Attention, 333, random);
    expect_near(pooled(scores, 1001, Pooling::Max), oracle::pool(widened(scores), 1001, Pooling::Max), 0);
    expect_near(pooled(scores, 1001, Pooling::Avg), oracle::pool(widened(scores), 1001, Pooling::Avg), 2e-6);
}

TEST(Pool, AvgKeepsSmallScoresBesideLargeOnes) {
    std::vector<float> scores(50, 1e-20F);
    scores[3] = 1;
    expect_near(pooled(scores, 5, Pooling::Avg), oracle::pool(widened(scores), 5, Pooling::Avg), 1e-6);
    EXPECT_EQ(pooled(scores, 5, Pooling::Avg)[10], pooled(scores, 5, Pooling::Avg)[40]);
}

TEST(Pool, TakesNoScores) {
    EXPECT_THAT(pooled({}, 7, Pooling::Max), IsEmpty());
}

TEST(TopPositions, EqualsTheOracle) {
    std::mt19937 random(4);
    for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::Zeros, Votes::WithNaN}) {
        for (const std::uint32_t size : {1U, 2U, 5U, 64U, 511U, 3001U}) {
            const std::vector<float> scores = random_votes(kind, size, random);
            for (const std::uint32_t first : {0U, 1U, size / 3, size}) {
                const std::uint32_t most = size - first;
                for (const std::uint32_t count : {0U, std::min(1U, most), most / 7, most / 2, most}) {
                    EXPECT_EQ(top_positions(scores, first, count), oracle::top(widened(scores), first, count))
                        << size << ' ' << first << ' ' << count;
                }
            }
        }
    }
}

TEST(TopPositions, TiesGoToTheEarlierPosition) {
    EXPECT_THAT(top_positions(std::vector<float>{1, 2, 1, 2, 1, 2}, 0, 4), ElementsAre(0, 1, 3, 5));
    EXPECT_THAT(top_positions(std::vector<float>(9, 0.0F), 2, 3), ElementsAre(2, 3, 4));
    EXPECT_THAT(top_positions(std::vector<float>{-0.0F, 0.0F, -0.0F}, 0, 2), ElementsAre(0, 1));
}

TEST(TopPositions, NaNIsLowestWhateverItsSign) {
    EXPECT_THAT(top_positions(std::vector<float>{kNaN, -1, -kNaN, -kInfinity, 3}, 0, 3), ElementsAre(1, 3, 4));
    EXPECT_THAT(top_positions(std::vector<float>{kNaN, -kNaN, kNaN}, 0, 2), ElementsAre(0, 1));
}

TEST(TopPositions, OrdersNegativeScores) {
    EXPECT_THAT(top_positions(std::vector<float>{-3, -1, -2, kInfinity, 0}, 0, 3), ElementsAre(1, 3, 4));
}

}  // namespace
}  // namespace snapkv::select
