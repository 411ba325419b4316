#include "eval/next_token.h"

#include <gtest/gtest.h>

#include <cmath>

namespace snapkv::eval {
namespace {

TEST(LogSoftmax, OfThreeLogits) {
    // exp: 1, e, e^2; their sum 11.1073
    const std::vector<float> logits{1000.0F, 1001.0F, 1002.0F};
    const std::vector<double> found = log_softmax(logits);
    EXPECT_NEAR(found[0], -2.407606, 1e-6);
    EXPECT_NEAR(found[1], -1.407606, 1e-6);
    EXPECT_NEAR(found[2], -0.407606, 1e-6);
}

TEST(NextToken, ComparesWithTheReference) {
    NextToken next;
    const std::vector<double> got{std::log(0.5), std::log(0.25), std::log(0.25)};
    const std::vector<double> expected{std::log(0.25), std::log(0.5), std::log(0.25)};
    next.add(got, expected, 1);
    next.add(expected, expected, 1);
    // KL: 0.25 ln(0.25/0.5) + 0.5 ln(0.5/0.25) + 0 = 0.25 ln 2, at one of two positions.
    EXPECT_NEAR(next.divergence(), 0.125 * std::log(2.0), 1e-12);
    EXPECT_NEAR(next.divergence_quantile(0.99), 0.25 * std::log(2.0), 1e-12);
    EXPECT_NEAR(next.divergence_quantile(0.49), 0, 1e-12);
    EXPECT_DOUBLE_EQ(next.agreement(), 0.5);
    // Probabilities 0.25 and 0.5: the geometric mean's inverse is sqrt(8); the reference's is 2.
    EXPECT_NEAR(next.perplexity(), std::sqrt(8.0), 1e-12);
    EXPECT_NEAR(next.perplexity_ratio(), std::sqrt(2.0), 1e-12);
}

TEST(NextToken, OfNothingIsNotANumber) {
    const NextToken next;
    EXPECT_TRUE(std::isnan(next.divergence()));
    EXPECT_TRUE(std::isnan(next.divergence_quantile(0.99)));
    EXPECT_TRUE(std::isnan(next.agreement()));
}

}  // namespace
}  // namespace snapkv::eval
