#include "select/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "select/near.h"
#include "select/oracle.h"
#include "select/random_votes.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();

std::vector<float> clustered(const std::vector<float> & votes, const Cluster & how,
                             const std::vector<Mark> & marks = {}) {
    std::vector<float> scores(votes.size(), 77.0F);
    cluster(how, votes, marks, scores);
    return scores;
}

std::vector<float> pooled(const std::vector<float> & scores, std::uint32_t kernel, Pooling how) {
    return clustered(scores, Cluster::kernel(kernel, how));
}

TEST(Pool, EqualsTheOracle) {
    std::mt19937 random(2);
    for (std::uint32_t kernel = 1; kernel <= 15; ++kernel) {  // even ones look one further before than behind
        for (const std::size_t size : {1U, 2U, 3U, 7U, 15U, 16U, 101U, 640U}) {
            for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::WithNaN}) {
                const std::vector<float> scores = random_votes(kind, size, random);
                for (const Pooling how : {Pooling::None, Pooling::Max, Pooling::Avg}) {
                    const double relative = how == Pooling::Avg ? 2e-6 : 0;
                    if (how == Pooling::None && kind == Votes::WithNaN) {
                        continue;  // NaN stays what it is, and equals nothing
                    }
                    expect_near(pooled(scores, kernel, how),
                                oracle::cluster(widened(scores), Cluster::kernel(kernel, how)), relative);
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
    EXPECT_THAT(pooled({kNotANumber, 1, kNotANumber, kNotANumber, kNotANumber}, 3, Pooling::Max),
                ElementsAre(1, 1, 1, -kInfinite, -kInfinite));
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
    expect_near(pooled(scores, 1001, Pooling::Max),
                oracle::cluster(widened(scores), Cluster::kernel(1001, Pooling::Max)), 0);
    expect_near(pooled(scores, 1001, Pooling::Avg),
                oracle::cluster(widened(scores), Cluster::kernel(1001, Pooling::Avg)), 2e-6);
}

TEST(Pool, AvgKeepsSmallScoresBesideLargeOnes) {
    std::vector<float> scores(50, 1e-20F);
    scores[3] = 1;
    expect_near(pooled(scores, 5, Pooling::Avg), oracle::cluster(widened(scores), Cluster::kernel(5, Pooling::Avg)),
                1e-6);
    EXPECT_EQ(pooled(scores, 5, Pooling::Avg)[10], pooled(scores, 5, Pooling::Avg)[40]);
}

TEST(Pool, TakesNoScores) {
    EXPECT_THAT(pooled({}, 7, Pooling::Max), IsEmpty());
}

TEST(Kernel, ReachesFurtherAheadThanBack) {
    EXPECT_THAT(clustered({0, 0, 5, 0, 0, 0, 0}, {.back = 1, .ahead = 3}), ElementsAre(0, 5, 5, 5, 5, 5, 0));
    EXPECT_THAT(clustered({0, 0, 5, 0, 0, 0}, {.back = 0, .ahead = 1}), ElementsAre(0, 0, 5, 5, 0, 0));
    EXPECT_THAT(clustered({0, 0, 6, 0, 0}, {.pooling = Pooling::Avg, .back = 2, .ahead = 0}),
                ElementsAre(2, 2, 2, 0, 0));
    EXPECT_EQ(Cluster::kernel(7), (Cluster{.back = 3, .ahead = 3}));
    EXPECT_EQ(Cluster::kernel(4), (Cluster{.back = 1, .ahead = 2}));
}

TEST(Kernel, EqualsTheOracleWhateverItsSides) {
    std::mt19937 random(8);
    for (const std::uint32_t back : {0U, 1U, 3U, 27U, 500U}) {
        for (const std::uint32_t ahead : {0U, 2U, 8U, 31U}) {
            for (const std::size_t size : {1U, 2U, 9U, 257U}) {
                const std::vector<float> votes = random_votes(Votes::Attention, size, random);
                for (const Pooling pooling : {Pooling::Max, Pooling::Avg}) {
                    const Cluster how{.pooling = pooling, .back = back, .ahead = ahead};
                    expect_near(clustered(votes, how), oracle::cluster(widened(votes), how),
                                pooling == Pooling::Max ? 0 : 2e-6);
                }
            }
        }
    }
}

TEST(Reach, HalvesAVoteEverySoManyRows) {
    EXPECT_THAT(clustered({0, 0, 8, 0, 0, 0}, Cluster::reach(1, 1)), ElementsAre(2, 4, 8, 4, 2, 1));
    EXPECT_THAT(clustered({0, 0, 8, 0, 0, 0}, Cluster::reach(0, 1)), ElementsAre(0, 0, 8, 4, 2, 1));
    EXPECT_THAT(clustered({0, 0, 8, 0, 0, 0}, Cluster::reach(1, 0)), ElementsAre(2, 4, 8, 0, 0, 0));
    EXPECT_THAT(clustered({0, 0, 8, 0, 0, 0}, Cluster::reach(0, 0)), ElementsAre(0, 0, 8, 0, 0, 0));
}

TEST(Reach, EqualsTheOracle) {
    std::mt19937 random(9);
    for (const std::uint32_t back : {0U, 1U, 4U, 16U}) {
        for (const std::uint32_t ahead : {0U, 1U, 2U, 8U, 100U}) {
            for (const std::size_t size : {1U, 2U, 33U, 150U}) {
                for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::Zeros, Votes::WithNaN}) {
                    for (const bool stops : {false, true}) {
                        Cluster how = Cluster::reach(back, ahead);
                        how.stops = stops;
                        const std::vector<Mark> marks = random_marks(size, random);
                        const std::vector<float> votes = random_votes(kind, size, random);
                        // Rounding adds up over the rows that a vote has come.
                        expect_near(clustered(votes, how, marks), oracle::cluster(widened(votes), how, marks), 1e-4);
                    }
                }
            }
        }
    }
}

TEST(Reach, AStepOverALinesEndCountsTwice) {
    std::vector<Mark> marks(6);
    marks[2].ends_line = true;
    Cluster how = Cluster::reach(1, 1);
    how.stops = true;
    EXPECT_THAT(clustered({0, 0, 8, 0, 0, 0}, how, marks), ElementsAre(2, 4, 8, 2, 1, 0.5));
    EXPECT_THAT(clustered({0, 0, 0, 8, 0, 0}, how, marks), ElementsAre(0.5, 1, 2, 8, 4, 2));
}

TEST(Chunk, GivesEachRowTheMeanOfItsChunk) {
    EXPECT_THAT(clustered({1, 2, 6, 0, 0, 9, 4, 6}, Cluster::chunk(3)), ElementsAre(3, 3, 3, 3, 3, 3, 5, 5));
    EXPECT_THAT(clustered({1, 2}, Cluster::chunk(1)), ElementsAre(1, 2));
    EXPECT_THAT(clustered({1, 2}, Cluster::chunk(100)), ElementsAre(1.5, 1.5));
    EXPECT_THAT(clustered({}, Cluster::chunk(20)), IsEmpty());
}

TEST(Chunk, EqualsTheOracle) {
    std::mt19937 random(11);
    for (const std::uint32_t rows : {1U, 2U, 7U, 20U, 500U}) {
        for (const std::size_t size : {1U, 20U, 39U, 257U}) {
            for (const Votes kind : {Votes::Attention, Votes::FewValues, Votes::Zeros}) {
                const std::vector<float> votes = random_votes(kind, size, random);
                expect_near(clustered(votes, Cluster::chunk(rows)),
                            oracle::cluster(widened(votes), Cluster::chunk(rows)), 1e-5);
            }
        }
    }
}

TEST(Words, TakeTheLargestScoreInThem) {
    std::vector<Mark> marks(8);
    for (const std::size_t start : {0U, 3U, 4U}) {
        marks[start].begins_word = true;
    }
    EXPECT_THAT(clustered({0, 0, 3, 1, 0, 5, kNotANumber, 0}, {.back = 0, .ahead = 0, .words = true}, marks),
                ElementsAre(3, 3, 3, 1, 5, 5, 5, 5));
    // The prefix may end within a word.
    marks.resize(6);
    EXPECT_THAT(clustered({0, 0, 3, 1, 0, 5}, {.back = 0, .ahead = 0, .words = true}, marks),
                ElementsAre(3, 3, 3, 1, 5, 5));
}

TEST(Words, LongRunsAreSeveral) {
    std::vector<float> votes(200);
    votes[80] = 1;
    const std::vector<float> scores = clustered(votes, {.back = 0, .ahead = 0, .words = true}, std::vector<Mark>(200));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        EXPECT_EQ(scores[i], i >= 64 && i < 128 ? 1 : 0) << i;
    }
}

TEST(Words, EqualTheOracleAfterEveryRule) {
    std::mt19937 random(10);
    for (Cluster how : {Cluster::kernel(1), Cluster::kernel(7), Cluster::reach(1, 4), Cluster{.back = 0, .ahead = 12},
                        Cluster::chunk(20)}) {
        how.words = true;
        for (const std::size_t size : {1U, 31U, 400U}) {
            for (const int word : {5, 150}) {  // the longer are several words
                const std::vector<Mark> marks = random_marks(size, random, word);
                const std::vector<float> votes = random_votes(Votes::Attention, size, random);
                expect_near(clustered(votes, how, marks), oracle::cluster(widened(votes), how, marks), 1e-4);
            }
        }
    }
}

}  // namespace
}  // namespace snapkv::select
