#include "select/plan.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "select/refusal.h"
#include "snapkv/error.h"
#include "snapkv/named_policy.h"

namespace snapkv::select {
namespace {

using testing::AllOf;
using testing::HasSubstr;

CacheConfig rows(double budget) {
    CacheConfig config;
    config.policy = Policy::SnapKV;
    config.budget = {Budget::Unit::Rows, budget};
    return config;
}

CacheConfig rows(double budget, std::uint32_t window, std::uint32_t sink = 0) {
    CacheConfig config = rows(budget);
    config.window = window;
    config.sink = sink;
    return config;
}

CacheConfig percent(double budget) {
    CacheConfig config;
    config.policy = Policy::SnapKV;
    config.budget = {Budget::Unit::Percent, budget};
    return config;
}

CacheConfig percent(double budget, std::uint32_t window, std::uint32_t sink = 0) {
    CacheConfig config = percent(budget);
    config.window = window;
    config.sink = sink;
    return config;
}

TEST(Plan, LetsEveryTokenVoteWhereEvidenceIsAccumulated) {
    CacheConfig config = rows(256);
    config.evidence = Evidence::Accumulated;
    const Plan plan = make_plan(config, 1000, 40);
    EXPECT_TRUE(plan.compress);
    EXPECT_EQ(plan.window, 1000U);
    EXPECT_EQ(plan.recent, 40U) << "as if the question voted";
    EXPECT_FALSE(make_plan(config, 200, 40).compress);
    config.window = 16;
    EXPECT_THAT(refusal(config), AllOf(HasSubstr("cache.window"), HasSubstr("16"), HasSubstr("accumulated")));
    config.window.reset();
    EXPECT_THROW(make_turn_plan(config, 500, 40), Error);
}

TEST(Plan, TakesWhatTheConfigurationSays) {
    CacheConfig config = rows(256, 16, 4);
    config.evidence = Evidence::Rms;
    config.cluster = Cluster::kernel(5, Pooling::Avg);
    config.group = GroupReduce::Max;
    const Plan plan = make_plan(config, 1000, 10);
    EXPECT_TRUE(plan.compress);
    EXPECT_EQ(plan.reason, "");
    EXPECT_EQ(plan.n, 1000U);
    EXPECT_EQ(plan.budget, 256U);
    EXPECT_EQ(plan.window, 16U);
    EXPECT_EQ(plan.sink, 4U);
    EXPECT_EQ(plan.recent, 16U);
    EXPECT_EQ(plan.evidence, Evidence::Rms);
    EXPECT_EQ(plan.cluster, Cluster::kernel(5, Pooling::Avg));
    EXPECT_EQ(plan.group, GroupReduce::Max);
    EXPECT_EQ(plan.prefix(), 984U);
    EXPECT_FALSE(plan.window_cuts_question);
}

TEST(Plan, FullKeepsEverythingAndSaysWhy) {
    CacheConfig config = rows(256, 16);
    config.policy = Policy::Full;
    const Plan plan = make_plan(config, 1000, 10);
    EXPECT_FALSE(plan.compress);
    EXPECT_THAT(plan.reason, HasSubstr("full"));
    EXPECT_EQ(plan.n, 1000U);
    EXPECT_EQ(plan.budget, 0U);
    EXPECT_EQ(plan.window, 0U);
}

TEST(Plan, FullHasNothingToRefuse) {
    CacheConfig config = rows(0, 0);
    config.policy = Policy::Full;
    config.recent = 0;
    EXPECT_FALSE(make_plan(config, 1000, 0).compress);
}

TEST(Plan, CompressesOnlyPromptsAboveTheBudget) {
    EXPECT_TRUE(make_plan(rows(256, 16), 257, 0).compress);
    for (const std::uint32_t n : {0U, 1U, 2U, 15U, 17U, 255U, 256U}) {
        const Plan plan = make_plan(rows(256, 16), n, 0);
        EXPECT_FALSE(plan.compress);
        EXPECT_THAT(plan.reason, AllOf(HasSubstr(fmt::format("({})", n)), HasSubstr("256 rows")));
        EXPECT_EQ(plan.budget, 256U);
        EXPECT_EQ(plan.window, 16U);
    }
}

TEST(Plan, TakesBudgetsBeyondWhatAPromptCanHold) {
    for (const double budget : {4294967295.0, 4294967296.0, 1e10, 1e300}) {
        const Plan plan = make_plan(rows(budget), 100000, 0);
        EXPECT_FALSE(plan.compress);
        EXPECT_EQ(plan.budget, 4294967295U);
        EXPECT_EQ(plan.window, 32U);
    }
}

TEST(PlanWindow, AutoFollowsTheQuestionWithinItsLimits) {
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> question_and_window = {
        {0, 32}, {1, 32}, {32, 32}, {33, 33}, {100, 100}, {256, 256}, {257, 256}, {5000, 256}};
    for (const auto & [question, window] : question_and_window) {
        const Plan plan = make_plan(rows(1024), 10000, question);
        EXPECT_TRUE(plan.compress);
        EXPECT_EQ(plan.window, window) << question;
        EXPECT_EQ(plan.window_cuts_question, question > 256) << question;
    }
}

TEST(PlanWindow, AutoTakesAtMostHalfTheBudgetLessTheSinks) {
    CacheConfig config = rows(101);
    EXPECT_EQ(make_plan(config, 1000, 200).window, 50U);
    EXPECT_TRUE(make_plan(config, 1000, 200).window_cuts_question);
    EXPECT_EQ(make_plan(config, 1000, 0).window, 32U);
    config.sink = 60;
    EXPECT_EQ(make_plan(config, 1000, 0).window, 20U);
    config.sink = 99;
    EXPECT_EQ(make_plan(config, 1000, 0).window, 1U);
    EXPECT_EQ(make_plan(rows(2), 1000, 0).window, 1U);
    EXPECT_EQ(make_plan(rows(3), 1000, 0).window, 1U);
}

TEST(PlanWindow, AnExplicitOneMayCutTheQuestion) {
    EXPECT_FALSE(make_plan(rows(256, 16), 1000, 16).window_cuts_question);
    EXPECT_TRUE(make_plan(rows(256, 16), 1000, 17).window_cuts_question);
    EXPECT_FALSE(make_plan(rows(256, 16), 200, 17).window_cuts_question) << "everything is kept";
}

TEST(PlanPercent, IsTheWindowAndAShareOfThePrefix) {
    const Plan plan = make_plan(percent(10, 16), 1000, 0);
    EXPECT_TRUE(plan.compress);
    EXPECT_EQ(plan.budget, 16U + 98U);
    EXPECT_EQ(make_plan(percent(25), 10032, 0).budget, 32U + 2500U);
    EXPECT_EQ(make_plan(percent(99.99), 1000, 0).budget, 32U + 967U);
}

TEST(PlanPercent, FloorsTheDecimalNumberThatWasWritten) {
    for (std::uint32_t hundredths = 100; hundredths < 10000; hundredths += 7) {
        const double value = static_cast<double>(hundredths) / 100;
        for (const std::uint32_t prefix : {100U, 999U, 1000U, 20000U, 380000U}) {
            const Plan plan = make_plan(percent(value, 10), prefix + 10, 0);
            const std::uint64_t share = std::uint64_t{hundredths} * prefix / 10000;
            EXPECT_EQ(plan.budget, 10 + share) << value << " of " << prefix;
        }
    }
}

TEST(PlanPercent, AutoWindowTakesAtMostHalfThePrompt) {
    EXPECT_EQ(make_plan(percent(50), 50, 0).window, 25U);
    EXPECT_EQ(make_plan(percent(50), 51, 40).window, 25U);
    EXPECT_EQ(make_plan(percent(50), 1000, 40).window, 40U);
    EXPECT_EQ(make_plan(percent(50), 1000, 999).window, 256U);
}

TEST(PlanPercent, AHundredKeepsEverything) {
    for (const std::uint32_t n : {0U, 1U, 2U, 33U, 1000U}) {
        const Plan plan = make_plan(percent(100), n, 0);
        EXPECT_FALSE(plan.compress);
        EXPECT_GE(plan.budget, n);
        EXPECT_THAT(plan.reason, HasSubstr("fit in the budget"));
    }
}

TEST(PlanPercent, AWindowBeyondThePromptKeepsEverything) {
    for (const std::uint32_t n : {1U, 2U, 99U, 100U}) {
        const Plan plan = make_plan(percent(10, 100), n, 0);
        EXPECT_FALSE(plan.compress);
        EXPECT_EQ(plan.budget, 100U);
        EXPECT_THAT(plan.reason, HasSubstr("fit in the budget"));
    }
}

TEST(PlanPercent, TakesTheShortestPrompts) {
    EXPECT_THAT(make_plan(percent(50), 1, 1).reason, HasSubstr("fit in the budget"));
    EXPECT_THAT(make_plan(percent(50), 2, 1).reason, HasSubstr("too few for a budget of 50%"));
    const Plan smallest = make_plan(percent(50), 4, 0);  // window 2, 1 of the other 2
    EXPECT_TRUE(smallest.compress);
    EXPECT_EQ(smallest.budget, 3U);
}

TEST(PlanPercent, AShortPromptIsNoContradiction) {
    CacheConfig config = percent(5);
    Plan plan = make_plan(config, 30, 0);
    EXPECT_FALSE(plan.compress);
    EXPECT_THAT(plan.reason, AllOf(HasSubstr("(30)"), HasSubstr("5%")));
    config.sink = 4;
    plan = make_plan(config, 100, 0);  // 3 of 68, fewer than the sinks
    EXPECT_FALSE(plan.compress);
    EXPECT_THAT(plan.reason, HasSubstr("sinks (4)"));
    EXPECT_TRUE(make_plan(config, 200, 0).compress);
}

TEST(Plan, VotersAndRecentRowsAreTwoThings) {
    CacheConfig config = rows(256, 128);
    config.recent = 32;
    Plan plan = make_plan(config, 1000, 0);
    EXPECT_TRUE(plan.compress);
    EXPECT_EQ(plan.window, 128U);
    EXPECT_EQ(plan.recent, 32U);
    EXPECT_EQ(plan.prefix(), 968U);
    config.window = 16;  // fewer vote than are kept
    EXPECT_EQ(make_plan(config, 1000, 0).prefix(), 968U);
    config.window = 2000;  // all that there are
    EXPECT_EQ(make_plan(config, 1000, 0).window, 1000U);
    config.window.reset();  // the budget no longer limits it
    EXPECT_EQ(make_plan(config, 1000, 200).window, 200U);
    config.budget = {Budget::Unit::Percent, 10};
    plan = make_plan(config, 1000, 0);
    EXPECT_EQ(plan.budget, 32U + 96U);
}

TEST(Plan, AutoChoosesWhatIsLeftOpen) {
    const NamedPolicy own = named_policy(Policy::Auto);
    CacheConfig config;
    ASSERT_EQ(config.policy, Policy::Auto);
    config.budget.value = 256;
    Plan plan = make_plan(config, 4000, 0);
    EXPECT_EQ(plan.window, own.voters.of_free_text);
    EXPECT_EQ(plan.recent, own.recent.rows);
    EXPECT_EQ(make_plan(config, 4000, 5).window, own.voters.fewest) << "a short question is not outvoted";
    EXPECT_EQ(plan.evidence, own.evidence);
    EXPECT_EQ(plan.cluster, own.cluster);
    plan = make_plan(config, 4000, 200);  // the question votes, and is kept as far as half the budget goes
    EXPECT_EQ(plan.window, 200U);
    EXPECT_EQ(plan.recent, 128U);
    config.budget.value = 8;
    plan = make_plan(config, 4000, 0);
    EXPECT_EQ(plan.window, own.voters.of_free_text);
    EXPECT_EQ(plan.recent, 4U);
    EXPECT_EQ(make_plan(config, 20, 0).window, 10U) << "half of a short prompt";

    config.budget.value = 256;
    config.window = 16;
    config.evidence = Evidence::Rms;
    config.cluster = Cluster::reach(1, 2);
    config.group = GroupReduce::Max;
    plan = make_plan(config, 4000, 0);
    EXPECT_EQ(plan.window, 16U);
    EXPECT_EQ(plan.recent, own.recent.rows);
    EXPECT_EQ(plan.evidence, Evidence::Rms);
    EXPECT_EQ(plan.cluster, Cluster::reach(1, 2));
    EXPECT_EQ(plan.group, GroupReduce::Max);
    config.budget = {Budget::Unit::Percent, 1};  // nobody asked for the recent rows
    EXPECT_FALSE(make_plan(config, 50, 0).compress);
}

TEST(Plan, AutoIsWhatTheDocumentsSay) {
    CacheConfig config;
    const Plan text = make_plan(config, 4000, 0);
    EXPECT_EQ(text.window, 128U);
    EXPECT_EQ(text.recent, 32U);
    EXPECT_EQ(text.evidence, Evidence::Recency);
    EXPECT_EQ(text.group, GroupReduce::Mean);
    EXPECT_EQ(text.cluster, (Cluster{.back = 3, .ahead = 3, .words = true}));
    EXPECT_EQ(make_plan(config, 4000, 5).window, 32U) << "a question";
}

TEST(Plan, SnapKvIsThePapers) {
    CacheConfig config;
    config.policy = Policy::SnapKV;
    const Plan plan = make_plan(config, 4000, 0);
    EXPECT_EQ(plan.window, 32U);
    EXPECT_EQ(plan.recent, 32U);
    EXPECT_EQ(plan.evidence, Evidence::Mean);
    EXPECT_EQ(plan.group, GroupReduce::Mean);
    EXPECT_EQ(plan.cluster, Cluster::kernel(7));
}

TEST(PlanErrors, RecentRows) {
    CacheConfig config = rows(256, 16);
    config.recent = 0;
    EXPECT_THAT(refusal(config, {}, 10), HasSubstr("cache.recent is 0")) << "whatever the prompt's length";
    config.recent = 256;
    EXPECT_THAT(refusal(config, {}, 10), AllOf(HasSubstr("cache.recent 256"), HasSubstr("cache.budget 256")));
}

TEST(PlanErrors, WindowOfZero) {
    EXPECT_THAT(refusal(rows(256, 0)), HasSubstr("cache.window is 0"));
    EXPECT_THAT(refusal(percent(20, 0)), HasSubstr("cache.window is 0"));
}

TEST(PlanErrors, BudgetIsNoNumberOfRows) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    for (const double value : {0.0, -1.0, 0.5, 100.5, -kInfinity, kInfinity, kNaN}) {
        EXPECT_THAT(refusal(rows(value)), AllOf(HasSubstr("cache.budget is "), HasSubstr("whole number of rows")));
    }
    EXPECT_THAT(refusal(rows(100.5)), HasSubstr("100.5;"));
}

TEST(PlanErrors, BudgetIsNoPercentage) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    for (const double value : {0.0, -5.0, 100.5, kInfinity, kNaN}) {
        EXPECT_THAT(refusal(percent(value)), AllOf(HasSubstr("cache.budget is "), HasSubstr("at most 100%")));
    }
    EXPECT_THAT(refusal(percent(100.5)), HasSubstr("100.5%;"));
}

TEST(PlanErrors, WindowAndSinksReachTheBudget) {
    for (const CacheConfig & config : {rows(64, 64), rows(64, 65), rows(64, 32, 32), rows(64, 1, 63), rows(64, 1, 4000),
                                       rows(64, 4294967295U, 4294967295U)}) {
        EXPECT_THAT(refusal(config),
                    AllOf(HasSubstr(fmt::format("cache.window {}", *config.window)),
                          HasSubstr(fmt::format("cache.sink {}", *config.sink)), HasSubstr("cache.budget 64")));
        EXPECT_THAT(refusal(config, {}, 10), HasSubstr("cache.window")) << "whatever the prompt's length";
    }
    EXPECT_TRUE(make_plan(rows(64, 32, 31), 1000, 0).compress);
}

TEST(PlanErrors, BudgetHasNoRoomForAnAutomaticWindow) {
    EXPECT_THAT(refusal(rows(1)), AllOf(HasSubstr("cache.budget 1"), HasSubstr("at least 2")));
    CacheConfig config = rows(64);
    for (const std::uint32_t sink : {63U, 64U, 4294967295U}) {
        config.sink = sink;
        EXPECT_THAT(refusal(config),
                    AllOf(HasSubstr(fmt::format("cache.sink {}", sink)), HasSubstr("cache.budget 64")));
    }
    config.sink = 62;
    EXPECT_TRUE(make_plan(config, 1000, 0).compress);
}

TEST(PlanErrors, PercentageLeavesNoRowBesideAnExplicitWindow) {
    EXPECT_THAT(refusal(percent(1, 32), {}, 100),
                AllOf(HasSubstr("cache.window 32"), HasSubstr("cache.budget 1% (32 rows of a prompt of 100 tokens)")));
    EXPECT_THAT(refusal(percent(10, 32, 6), {}, 100), HasSubstr("cache.sink 6"));
    EXPECT_TRUE(make_plan(percent(10, 32, 5), 100, 0).compress);
}

}  // namespace
}  // namespace snapkv::select
