#include "eval/fit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace snapkv::eval {
namespace {

struct Counted {
    Fit fit;
    std::size_t units = 0;  ///< of all calls together
};

Counted fit(const FitRequest & request, const std::function<std::size_t(std::size_t)> & tokens_of) {
    Counted counted;
    counted.fit = fit_units(request, [&](std::size_t units) {
        EXPECT_GE(units, request.least);
        EXPECT_LE(units, request.most);
        counted.units += units;
        return tokens_of(units);
    });
    EXPECT_EQ(counted.fit.tokens, tokens_of(counted.fit.units));
    return counted;
}

FitRequest request(std::size_t budget, std::size_t slack) {
    FitRequest request;
    request.budget = budget;
    request.most = 10'000'000;
    request.slack = slack;
    return request;
}

TEST(Fit, FindsTheMostUnitsWhateverASingleOneTakes) {
    for (const std::size_t each : {1U, 2U, 7U, 25U, 300U}) {
        for (std::size_t budget = 40; budget < 5000; budget = budget * 3 / 2) {
            const Counted found = fit(request(budget, 0), [&](std::size_t units) { return 31 + each * units; });
            EXPECT_EQ(found.fit.units, (budget - 31) / each) << budget << " in " << each;
        }
    }
}

TEST(Fit, NeedsFewCountsOfALongText) {
    // Denser later on, with waves on top: 380,000 tokens lie between two words.
    const auto tokens_of = [](std::size_t units) {
        const auto words = static_cast<double>(units);
        return static_cast<std::size_t>(1.2 * words + 3e-7 * words * words + 400 * std::sin(words / 5000) + 50);
    };
    const Counted found = fit(request(380'000, 3), tokens_of);
    EXPECT_LE(found.fit.tokens, 380'000U);
    EXPECT_GE(found.fit.tokens, 379'997U);
    EXPECT_LE(found.units, 8 * found.fit.units);
    FitRequest again = request(380'000, 3);
    again.guess = found.fit.units - 20;
    EXPECT_LE(fit(again, tokens_of).units, 3 * found.fit.units);
    again.guess = found.fit.units;
    EXPECT_EQ(fit(again, tokens_of).units, found.fit.units);
}

TEST(Fit, StopsBelowAStepThatIsTooHigh) {
    const auto stairs = [](std::size_t units) { return units / 1000 * 500; };
    EXPECT_EQ(fit(request(2100, 3), stairs).fit.units, 4999U);
}

TEST(Fit, SaysWhatTheLeastTakesWhereItIsTooMuch) {
    FitRequest small = request(10, 3);
    small.least = 5;
    const Counted found = fit(small, [](std::size_t units) { return 4 * units; });
    EXPECT_EQ(found.fit.units, 5U);
    EXPECT_EQ(found.fit.tokens, 20U);
}

TEST(Fit, StopsAtTheMost) {
    FitRequest few = request(1000, 3);
    few.most = 12;
    few.guess = 40;
    EXPECT_EQ(fit(few, [](std::size_t units) { return units; }).fit.units, 12U);
}

}  // namespace
}  // namespace snapkv::eval
