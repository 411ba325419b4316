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

#include "select/plan.h"
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

/// PyramidKV's ramp layer by layer in double precision, unrounded.
std::vector<double> expected_ramp(double rows, double most, std::uint32_t layers) {
    double last = rows / 20;
    double first = 2 * rows - last;
    if (first >= most) {
        first = most;
        last = 2 * rows - most;
    }
    std::vector<double> ramp;
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        ramp.push_back(layers == 1 ? rows : first - layer * (first - last) / (layers - 1));
    }
    return ramp;
}

TEST(Allocation, PyramidEqualsTheAuthorsRampRounded) {
    for (const std::uint32_t layers : {1U, 2U, 3U, 8U, 30U}) {
        for (const std::uint32_t rows : {0U, 1U, 7U, 64U, 992U, 3'000'000'000U}) {
            for (const std::uint64_t most :
                 {std::uint64_t{rows}, rows + rows / 3 + std::uint64_t{1}, std::uint64_t{4'000'000'000}}) {
                const std::vector<std::uint32_t> found = pyramid_rows(rows, static_cast<std::uint32_t>(most), layers);
                const std::vector<double> ramp = expected_ramp(rows, static_cast<double>(most), layers);
                ASSERT_EQ(found.size(), layers);
                for (std::uint32_t layer = 0; layer < layers; ++layer) {
                    EXPECT_LT(std::abs(found[layer] - ramp[layer]), 1) << layer << " of " << layers;
                    EXPECT_LE(found[layer], most);
                }
                EXPECT_EQ(std::accumulate(found.begin(), found.end(), std::uint64_t{0}), std::uint64_t{layers} * rows);
                EXPECT_TRUE(std::is_sorted(found.rbegin(), found.rend()));
            }
        }
    }
    EXPECT_THAT(pyramid_rows(20, 1000, 3), ElementsAre(39, 20, 1));
    EXPECT_THAT(pyramid_rows(20, 30, 3), ElementsAre(30, 20, 10));
    EXPECT_THAT(pyramid_rows(10, 1000, 2), ElementsAre(20, 0)) << "19.5 and 0.5: the half goes to the earlier";
}

TEST(LayerBudgets, AreThePlansButByPyramid) {
    CacheConfig config;
    config.policy = Policy::SnapKV;
    config.budget.value = 100;
    config.window = 20;
    config.sink = 5;
    for (const Allocation how : {Allocation::Even, Allocation::Heads}) {
        config.allocation = how;
        EXPECT_THAT(layer_budgets(make_plan(config, 1000, 0), 3), ElementsAre(100, 100, 100));
    }
    config.allocation = Allocation::Pyramid;
    EXPECT_THAT(layer_budgets(make_plan(config, 1000, 0), 3), ElementsAre(171, 100, 29)) << "75 voted rows on average";
    EXPECT_THAT(layer_budgets(make_plan(config, 150, 0), 3), ElementsAre(150, 100, 50));
    EXPECT_THAT(layer_budgets(make_plan(config, 90, 0), 2), ElementsAre(100, 100)) << "nothing is compressed";
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
        choice.allocate(plan.budget);
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
