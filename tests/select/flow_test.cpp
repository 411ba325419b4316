// Budgets that flow between layers: what is decided layer by layer against a decision with all layers at hand.
#include "select/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "snapkv/cache_config.h"
#include "support/kept_at_once.h"

namespace snapkv::select {
namespace {

using test::at_once::Kept;
using test::at_once::Scores;

Plan plan_of(Allocation how, std::uint32_t prefix, std::uint32_t rows, std::uint32_t sink) {
    Plan plan;
    plan.compress = true;
    plan.allocation = how;
    plan.recent = 5;
    plan.sink = sink;
    plan.n = prefix + plan.recent;
    plan.budget = rows + plan.recent + plan.sink;
    return plan;
}

Kept kept_of(const Flow & flow) {
    Kept kept;
    for (const FlowingLayer & layer : flow.layers()) {
        kept.emplace_back();
        for (const FlowingHead & head : layer.heads) {
            kept.back().push_back(head.positions);
            EXPECT_EQ(head.scores.scores.size(), head.positions.size());
        }
    }
    return kept;
}

enum class Numbers { All, Few, None };

/// Layers and heads whose scores are large and steep in different ways.
Scores random_scores(std::size_t layers, std::size_t heads, std::uint32_t prefix, Numbers numbers, bool ties,
                     std::mt19937 & random) {
    Scores scores(layers, std::vector<RankedScores>(heads));
    for (std::size_t layer = 0; layer < layers; ++layer) {
        for (RankedScores & head : scores[layer]) {
            const double steepness = 1 + static_cast<double>(random() % 4);
            const double size = 1 + static_cast<double>(random() % 3);
            for (std::uint32_t at = 0; at < prefix; ++at) {
                const double even = static_cast<double>(random() % (numbers == Numbers::All ? 1'000'000 : 4)) / 4;
                const bool none = numbers == Numbers::None && random() % 3 == 0;
                head.scores.push_back(none ? std::numeric_limits<float>::quiet_NaN()
                                           : static_cast<float>(size * std::pow(even, steepness)));
                if (ties) {
                    head.ties.push_back(static_cast<float>(random() % 3));
                }
            }
        }
    }
    return scores;
}

class Flows : public ::testing::TestWithParam<Allocation> {};

TEST_P(Flows, LayerByLayerDecideAsWithAllLayersAtHand) {
    std::mt19937 random(7);
    for (const std::uint32_t layers : {1U, 2U, 5U, 12U}) {
        for (const std::uint32_t heads : {1U, 3U}) {
            for (const std::uint32_t rows : {1U, 4U, 11U, 35U, 50U}) {
                for (const Numbers numbers : {Numbers::All, Numbers::Few, Numbers::None}) {
                    const std::uint32_t sink = rows % 2 == 0 ? 3 : 0;
                    const Plan plan = plan_of(GetParam(), 50 + sink, rows, sink);
                    ASSERT_TRUE(plan.flows());
                    const Scores scores = random_scores(layers, heads, plan.prefix(), numbers, rows == 11, random);
                    Flow flow(plan, layers, heads);
                    Kept before;
                    for (std::uint32_t layer = 0; layer < layers; ++layer) {
                        flow.add_layer(scores[layer]);
                        const Scores so_far(scores.begin(), scores.begin() + layer + 1);
                        const Kept now = kept_of(flow);
                        ASSERT_EQ(now, test::at_once::kept(plan, so_far, layers))
                            << layer << " of " << layers << ", " << rows;
                        for (std::size_t earlier = 0; earlier < before.size(); ++earlier) {
                            for (std::uint32_t head = 0; head < heads; ++head) {
                                EXPECT_TRUE(std::ranges::includes(before[earlier][head], now[earlier][head]))
                                    << "a row that was let go of is back";
                            }
                        }
                        before = now;
                    }
                    std::size_t total = 0;
                    for (const auto & layer : before) {
                        for (const auto & head : layer) {
                            total += head.size();
                        }
                    }
                    EXPECT_EQ(total, std::size_t{layers} * heads * rows) << "no more than all layers' allowance";
                }
            }
        }
    }
}

TEST_P(Flows, GoOnFromAnyLayerElsewhere) {
    std::mt19937 random(8);
    const Plan plan = plan_of(GetParam(), 60, 12, 2);
    const Scores scores = random_scores(6, 2, plan.prefix(), Numbers::Few, true, random);
    Flow whole(plan, 6, 2);
    for (const auto & layer : scores) {
        whole.add_layer(layer);
    }
    for (std::size_t stop = 1; stop < 6; ++stop) {
        Flow first(plan, 6, 2);
        for (std::size_t layer = 0; layer < stop; ++layer) {
            first.add_layer(scores[layer]);
        }
        Flow second(plan, 6, 2);
        for (const FlowingLayer & layer : first.layers()) {
            second.restore_layer(layer);
        }
        for (std::size_t layer = stop; layer < 6; ++layer) {
            second.add_layer(scores[layer]);
        }
        EXPECT_EQ(kept_of(second), kept_of(whole)) << stop;
    }
}

TEST_P(Flows, HaveAsManyRowsAfterEachLayerAsIsSaid) {
    std::mt19937 random(9);
    for (const std::uint32_t rows : {1U, 9U, 40U, 58U}) {
        const Plan plan = plan_of(GetParam(), 61, rows, 1);
        const Scores scores = random_scores(7, 2, plan.prefix(), Numbers::All, false, random);
        Flow flow(plan, 7, 2);
        for (std::uint32_t so_far = 1; so_far <= 7; ++so_far) {
            flow.add_layer(scores[so_far - 1]);
            std::uint64_t found = 0;
            for (const FlowingLayer & layer : flow.layers()) {
                for (const FlowingHead & head : layer.heads) {
                    found += head.positions.size() + plan.recent + plan.sink;
                }
            }
            const std::vector<std::uint32_t> said = Flow::rows_after(plan, 7, so_far);
            EXPECT_EQ(said.size(), so_far);
            EXPECT_EQ(2 * std::accumulate(said.begin(), said.end(), std::uint64_t{0}), found) << rows << ", " << so_far;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Allocations, Flows, ::testing::Values(Allocation::Entropy, Allocation::Global),
                         [](const auto & info) { return info.param == Allocation::Global ? "Global" : "Entropy"; });

TEST(Flow, GivesLayersRowsByHowEvenlyTheirVotesAreSpread) {
    const Plan plan = plan_of(Allocation::Entropy, 100, 20, 0);
    std::vector<float> sure(100, 0.001F);
    sure[40] = 1;
    Flow flow(plan, 2, 1);
    flow.add_layer(std::vector{RankedScores{sure}});
    EXPECT_EQ(flow.layers()[0].heads[0].positions.size(), 36U) << "its own fifth and all that is shared";
    flow.add_layer(std::vector{RankedScores{std::vector<float>(100, 1.0F)}});
    EXPECT_NEAR(flow.layers()[1].weight, 1, 1e-12);
    EXPECT_LT(flow.layers()[0].weight, 0.3);
    EXPECT_LT(flow.layers()[0].heads[0].positions.size(), 12U);
    EXPECT_GE(flow.layers()[0].heads[0].positions.size(), 4U);
    EXPECT_THAT(flow.layers()[0].heads[0].positions, ::testing::Contains(Position{40}));
}

TEST(Flow, GloballyGivesAHeadWithoutGoodVotesNothing) {
    const Plan plan = plan_of(Allocation::Global, 30, 10, 0);
    Flow flow(plan, 2, 2);
    flow.add_layer(std::vector{RankedScores{std::vector<float>(30, 0.1F)}, RankedScores{std::vector<float>(30, 0.2F)}});
    flow.add_layer(std::vector{RankedScores{std::vector<float>(30, 0.3F)}, RankedScores{std::vector<float>(30, 0.0F)}});
    EXPECT_EQ(flow.layers()[0].heads[0].positions.size(), 0U);
    EXPECT_EQ(flow.layers()[0].heads[1].positions, positions_from(Position{0}, 10));
    EXPECT_EQ(flow.layers()[1].heads[0].positions.size(), 30U);
    EXPECT_EQ(flow.layers()[1].heads[1].positions.size(), 0U);
}

}  // namespace
}  // namespace snapkv::select
