#include "select/allocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <tuple>
#include <vector>

#include "select/policy.h"

namespace snapkv::select {
namespace {

using testing::ElementsAre;

/// Ada-KV's shares, one candidate at a time and in double precision.
std::vector<std::uint32_t> expected(const std::vector<std::vector<float>> & scores, std::uint32_t first,
                                    std::uint32_t rows) {
    std::vector<std::tuple<double, std::size_t, std::size_t>> all;  // best first
    for (std::size_t head = 0; head < scores.size(); ++head) {
        for (std::size_t position = first; position < scores[head].size(); ++position) {
            const auto score = static_cast<double>(scores[head][position]);
            all.emplace_back(std::isnan(score) ? std::numeric_limits<double>::infinity() : -score, head, position);
        }
    }
    std::sort(all.begin(), all.end());
    std::vector<double> hits(scores.size());
    for (std::size_t i = 0; i < rows * scores.size(); ++i) {
        ++hits[std::get<1>(all[i])];
    }
    std::vector<std::uint32_t> shares;
    std::vector<std::pair<double, std::size_t>> remainders;
    for (std::size_t head = 0; head < scores.size(); ++head) {
        const double share = (4 * hits[head] + rows) / 5;
        shares.push_back(static_cast<std::uint32_t>(share + 1e-9));
        remainders.emplace_back(-std::round(5 * (share - shares.back())), head);
    }
    std::sort(remainders.begin(), remainders.end());
    const std::size_t given = std::accumulate(shares.begin(), shares.end(), std::size_t{0});
    for (std::size_t i = 0; i < rows * scores.size() - given; ++i) {
        ++shares[remainders[i].second];
    }
    return shares;
}

std::vector<std::vector<float>> random_scores(std::size_t heads, std::size_t positions, bool ties,
                                              std::mt19937 & random) {
    std::vector<std::vector<float>> scores(heads);
    for (std::size_t head = 0; head < heads; ++head) {
        for (std::size_t i = 0; i < positions; ++i) {
            const auto number = static_cast<float>(random() % (ties ? 4 : 1'000'000));
            scores[head].push_back(number * static_cast<float>(1 + head % 3));
        }
    }
    return scores;
}

std::vector<RankedScores> ranked(const std::vector<std::vector<float>> & scores) {
    std::vector<RankedScores> heads;
    for (const std::vector<float> & head : scores) {
        heads.push_back({head});
    }
    return heads;
}

TEST(Allocation, EvenGivesEachHeadItsBudget) {
    EXPECT_THAT(allocate_rows(Allocation::Even, ranked({{1, 2, 3}, {9, 9, 9}}), 0, 2), ElementsAre(2, 2));
}

TEST(Allocation, HeadsEqualsTheOracle) {
    std::mt19937 random(1);
    for (const std::size_t heads : {1U, 2U, 3U, 8U}) {
        for (const std::uint32_t first : {0U, 3U}) {
            for (const std::uint32_t rows : {1U, 4U, 7U, 30U, 37U}) {
                for (const bool ties : {false, true}) {
                    const auto scores = random_scores(heads, 40, ties, random);
                    const auto found = allocate_rows(Allocation::Heads, ranked(scores), first, rows);
                    EXPECT_EQ(found, expected(scores, first, rows));
                    EXPECT_EQ(std::accumulate(found.begin(), found.end(), std::size_t{0}), heads * rows);
                    EXPECT_LE(*std::max_element(found.begin(), found.end()), 40 - first);
                    EXPECT_GE(*std::min_element(found.begin(), found.end()), rows / 5);
                }
            }
        }
    }
}

TEST(Allocation, HeadsGivesMoreToVotesThatStandOut) {
    const std::vector<std::vector<float>> scores{{9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    EXPECT_THAT(allocate_rows(Allocation::Heads, ranked(scores), 0, 5), ElementsAre(9, 1));
}

TEST(Allocation, NumbersThatAreNoneCountAsLowest) {
    const float none = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::vector<float>> scores{{none, none, none, none}, {1, 1, 1, 1}};
    EXPECT_THAT(allocate_rows(Allocation::Heads, ranked(scores), 0, 2), ElementsAre(0, 4));
}

TEST(Allocation, HeadsSettlesTiesByTheSecondNumber) {
    const std::vector<RankedScores> scores{{{1, 1, 1, 1}, {1, 1, 1, 1}}, {{1, 1, 1, 1}, {2, 2, 2, 2}}};
    EXPECT_THAT(allocate_rows(Allocation::Heads, scores, 0, 2), ElementsAre(0, 4));
}

/// All heads of a layer: sinks and recent rows are each head's, the voted ones are shared out.
TEST(LayerChoice, KeepsEachHeadsOwnNumberOfRows) {
    Plan plan;
    plan.compress = true;
    plan.n = 100;
    plan.budget = 30;
    plan.window = 8;
    plan.recent = 6;
    plan.sink = 2;
    plan.cluster = Cluster::kernel(3);
    std::mt19937 random(3);
    std::vector<float> votes;
    for (std::uint32_t head = 0; head < 3; ++head) {
        for (std::uint32_t i = 0; i < 2 * plan.prefix(); ++i) {
            votes.push_back(static_cast<float>(random() % 1000) * static_cast<float>(1 + head * head));
        }
    }
    for (const Allocation how : {Allocation::Even, Allocation::Heads}) {
        plan.allocation = how;
        LayerChoice choice(plan, votes, 3);
        for (std::uint32_t head = 0; head < 3; ++head) {
            choice.score(head);
        }
        choice.allocate();
        std::size_t total = 0;
        std::vector<std::size_t> counts;
        for (std::uint32_t head = 0; head < 3; ++head) {
            const std::vector<Position> kept = choice.keep(head);
            EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
            EXPECT_EQ(kept.front(), Position{0});
            EXPECT_EQ(kept[1], Position{1});
            EXPECT_EQ(kept.back(), Position{99});
            EXPECT_EQ(kept[kept.size() - 6], Position{94});
            Plan alone = plan;
            alone.allocation = Allocation::Even;
            alone.budget = static_cast<std::uint32_t>(kept.size());
            EXPECT_EQ(kept,
                      keep_positions(alone, std::span(votes).subspan(head * 2 * plan.prefix(), 2 * plan.prefix())))
                << "a head's own order of rows does not change";
            total += kept.size();
            counts.push_back(kept.size());
        }
        EXPECT_EQ(total, 90U);
        EXPECT_EQ(counts[0] == counts[2], how == Allocation::Even);
    }
}

}  // namespace
}  // namespace snapkv::select
