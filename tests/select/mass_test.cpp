// Budgets of mass: as few rows as hold so much of the voters' attention.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "select/plan.h"
#include "select/policy.h"
#include "select/refusal.h"
#include "snapkv/error.h"

namespace snapkv::select {
namespace {

using testing::AllOf;
using testing::HasSubstr;

CacheConfig mass(double percent, std::uint32_t most = 4096) {
    CacheConfig config;
    config.policy = Policy::SnapKV;
    config.budget = {Budget::Unit::Mass, percent, most};
    return config;
}

TEST(Mass, PlansFromTheLeastToTheMost) {
    const Plan plan = make_plan(mass(95), 10000, 50);
    EXPECT_TRUE(plan.compress);
    EXPECT_DOUBLE_EQ(plan.mass, 0.95);
    EXPECT_EQ(plan.budget, 4096U);
    EXPECT_EQ(plan.recent, 50U);
    EXPECT_EQ(plan.least, 64U);
    EXPECT_EQ(make_plan(mass(95), 10000, 200).least, 201U) << "a row beside the recent ones";
    const Plan shorter = make_plan(mass(95), 300, 400);
    EXPECT_TRUE(shorter.compress) << "though the most would be all";
    EXPECT_EQ(shorter.budget, 300U);
    EXPECT_EQ(shorter.recent, 150U);
    EXPECT_FALSE(make_plan(mass(95), 64, 0).compress);
    EXPECT_TRUE(make_plan(mass(95), 65, 0).compress);
    CacheConfig config = mass(95);
    config.recent = 80;
    EXPECT_FALSE(make_plan(config, 70, 0).compress) << "the prompt is merely short";
    EXPECT_EQ(make_plan(mass(95), 10000, 50).flows(), false);
}

TEST(Mass, RefusesWhatCannotBe) {
    EXPECT_THAT(refusal(mass(120), "cache.budget"), AllOf(HasSubstr("mass:120%"), HasSubstr("at most mass:100%")));
    refusal(mass(0), "cache.budget");
    refusal(mass(std::nan("")), "cache.budget");
    EXPECT_THAT(refusal(mass(95, 63), "cache.budget"), AllOf(HasSubstr("mass:95%:63"), HasSubstr("at least 64")));
    CacheConfig config = mass(95);
    config.evidence = Evidence::Max;
    EXPECT_THAT(refusal(config, "cache.budget"),
                AllOf(HasSubstr("cache.evidence max"), HasSubstr("expected evidence mean or recency")));
    config = mass(95);
    config.policy = Policy::H2O;
    EXPECT_THAT(refusal(config, "cache.budget"), HasSubstr("cache.policy h2o"));
    config.policy = Policy::Ada;
    EXPECT_THAT(refusal(config, "cache.allocation"), AllOf(HasSubstr("heads"), HasSubstr("mass:95%:4096")));
    EXPECT_THROW(static_cast<void>(make_turn_plan(mass(95), 500, 20)), Error);
    for (const Policy policy : {Policy::SnapKV, Policy::Auto, Policy::Tova}) {
        config.policy = policy;
        EXPECT_TRUE(make_plan(config, 10000, 0).compress);
    }
}

/// What a head keeps: rows in the order of their scores until what is left holds no more than may be lost.
std::vector<std::uint32_t> expected(const Plan & plan, const std::vector<std::vector<float>> & heads,
                                    const std::vector<float> & scores) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t row = plan.sink; row < plan.prefix(); ++row) {
        order.push_back(row);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t one, std::uint32_t other) { return scores[one] > scores[other]; });
    const auto lost_behind = [&](std::size_t count) {
        double lost = 0;
        for (std::size_t at = count; at < order.size(); ++at) {
            for (const std::vector<float> & head : heads) {
                lost += static_cast<double>(head[order[at]]) / static_cast<double>(heads.size());
            }
        }
        return lost;
    };
    const std::uint32_t anyway = plan.sink + plan.recent;
    std::size_t count = plan.least - anyway;
    while (count < plan.budget - anyway && lost_behind(count) > 1 - plan.mass) {
        ++count;
    }
    order.resize(count);
    std::vector<std::uint32_t> kept;
    for (std::uint32_t row = 0; row < plan.n; ++row) {
        if (row < plan.sink || row >= plan.prefix() || std::find(order.begin(), order.end(), row) != order.end()) {
            kept.push_back(row);
        }
    }
    return kept;
}

TEST(Mass, IsHeldByTheFewestRows) {
    std::mt19937 random(4);
    bool bound_by_least = false;
    bool bound_by_most = false;
    for (const double percent : {20.0, 80.0, 95.0, 100.0}) {
        for (const std::uint32_t most : {100U, 4096U}) {
            CacheConfig config = mass(percent, most);
            config.window = 20;
            config.sink = 3;
            config.cluster = Cluster::kernel(1);
            const Plan plan = make_plan(config, 400, 0);
            std::vector<std::vector<float>> heads;  // query heads, two to a KV head
            for (std::uint32_t head = 0; head < 6; ++head) {
                std::vector<float> votes;
                double sum = 0;
                for (std::uint32_t row = 0; row < plan.prefix(); ++row) {
                    const double even = static_cast<double>(1 + random() % 10000) / 10000;
                    votes.push_back(static_cast<float>(std::pow(even, 1 + 20 * (head / 2))));
                    sum += static_cast<double>(votes.back());
                }
                for (float & vote : votes) {  // the recent rows have a tenth
                    vote = static_cast<float>(0.9 * static_cast<double>(vote) / sum);
                }
                heads.push_back(votes);
            }
            std::vector<float> all;
            for (const std::vector<float> & votes : heads) {
                all.insert(all.end(), votes.begin(), votes.end());
            }
            LayerChoice choice(plan, all, 3);
            for (std::uint32_t head = 0; head < 3; ++head) {
                choice.score(head);
            }
            choice.allocate(plan.budget);
            for (std::uint32_t head = 0; head < 3; ++head) {
                const std::vector<std::vector<float>> group(heads.begin() + 2 * head, heads.begin() + 2 * head + 2);
                std::vector<float> scores;
                for (std::uint32_t row = 0; row < plan.prefix(); ++row) {
                    scores.push_back((group[0][row] + group[1][row]) / 2);
                }
                std::vector<std::uint32_t> kept;
                for (const Position position : choice.keep(head)) {
                    kept.push_back(index_of(position));
                }
                EXPECT_EQ(kept, expected(plan, group, scores)) << percent << "%, head " << head;
                bound_by_least = bound_by_least || kept.size() == plan.least;
                bound_by_most = bound_by_most || (kept.size() == most && percent < 100);
            }
        }
    }
    EXPECT_TRUE(bound_by_least);
    EXPECT_TRUE(bound_by_most);
}

}  // namespace
}  // namespace snapkv::select
