#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "run/tiny_run.h"

namespace snapkv {
namespace {

/// Answers of a tiny random model, token by token.
class TokenEvents : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(64);
    Sequence prompt_ = test::prefill_one(session_, test::branch_of(test::random_tokens(60, 5), test::full_cache()));

    /// The one answer to a request with these options, whose events go to `on_token`.
    Generation generate(const GenerateOptions & options, const std::function<bool(const TokenEvent &)> & on_token) {
        Sequence sequence = prompt_.fork();
        const GenerateRequest request{&sequence, options, {}, on_token};
        return session_.generate({&request, 1}).front();
    }
};

TEST_F(TokenEvents, AreTheAnswersTokensAndTellItsEnd) {
    std::vector<Token> tokens;
    std::string text;
    std::vector<std::optional<StopReason>> reasons;
    GenerateOptions options;
    options.max_tokens = 12;
    const Generation answer = generate(options, [&](const TokenEvent & event) {
        tokens.push_back(event.token);
        text += event.piece;
        reasons.push_back(event.reason);
        EXPECT_EQ(event.scores, nullptr);
        return true;
    });
    ASSERT_GE(tokens.size(), answer.tokens.size());
    EXPECT_TRUE(std::equal(answer.tokens.begin(), answer.tokens.end(), tokens.begin()));
    ASSERT_EQ(reasons.size(), tokens.size());
    EXPECT_EQ(reasons.back(), answer.reason);
    reasons.pop_back();
    for (const auto & reason : reasons) {
        EXPECT_EQ(reason, std::nullopt);
    }
}

TEST_F(TokenEvents, EndTheAnswerWhereTheListenerHasHadEnough) {
    int events = 0;
    GenerateOptions options;
    options.max_tokens = 12;
    const Generation answer = generate(options, [&](const TokenEvent &) { return ++events < 3; });
    EXPECT_EQ(events, 3);
    EXPECT_EQ(answer.tokens.size(), 3U);
    EXPECT_EQ(answer.reason, StopReason::Interrupt);
}

TEST_F(TokenEvents, CarryTheProbabilitiesThatFollowFromTheLogits) {
    const std::vector<float> logits(prompt_.logits().begin(), prompt_.logits().end());
    double sum = 0;
    for (const float logit : logits) {
        sum += std::exp(static_cast<double>(logit));
    }
    const auto expected = [&](Token token) {
        return static_cast<double>(logits[static_cast<std::size_t>(token)]) - std::log(sum);
    };
    GenerateOptions options;
    options.max_tokens = 3;
    options.logprobs = 4;
    options.sampling.repeat_penalty = 1.7F;  // changes what is taken, not what the model thought
    std::vector<ScoredToken> seen;
    const Generation answer = generate(options, [&](const TokenEvent & event) {
        seen.push_back(*event.scores);
        return true;
    });
    ASSERT_EQ(answer.scores.size(), answer.tokens.size());
    ASSERT_FALSE(answer.tokens.empty());
    const ScoredToken & first = answer.scores.front();
    EXPECT_NEAR(first.logprob, expected(answer.tokens.front()), 1e-5);
    ASSERT_EQ(first.top.size(), 4U);
    for (std::size_t i = 0; i < first.top.size(); ++i) {
        EXPECT_NEAR(first.top[i].logprob, expected(first.top[i].token), 1e-5);
        EXPECT_TRUE(i == 0 || first.top[i - 1].logprob >= first.top[i].logprob);
    }
    EXPECT_EQ(first.top.front().token, std::max_element(logits.begin(), logits.end()) - logits.begin());
    EXPECT_EQ(seen.front().logprob, first.logprob);
}

}  // namespace
}  // namespace snapkv
