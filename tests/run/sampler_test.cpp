#include "run/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/error_of.h"

namespace snapkv::run {
namespace {

const text::Vocabulary & vocabulary() {
    static const text::Vocabulary loaded = text::Vocabulary::load(gguf::File::open(SNAPKV_TEST_MODEL));
    return loaded;
}

std::vector<float> flat_logits() {
    return std::vector<float>(static_cast<std::size_t>(vocabulary().size()), 0.0F);
}

TEST(Sampler, GreedyTakesTheGreatestAndOfTiesTheLowerId) {
    Sampler sampler(vocabulary(), {}, {});
    std::vector<float> logits = flat_logits();
    EXPECT_EQ(sampler.sample(logits), 0);
    logits[700] = logits[300] = logits[40000] = 5;
    EXPECT_EQ(sampler.sample(logits), 300);
    logits[40000] = std::nextafter(5.0F, 6.0F);
    EXPECT_EQ(sampler.sample(logits), 40000);
}

TEST(Sampler, GreedyCountsTheRepeatPenalty) {
    SamplingOptions options;
    options.repeat_penalty = 2;
    options.repeat_last = 2;
    std::vector<float> logits = flat_logits();
    logits[10] = 8;
    logits[20] = 7;
    logits[30] = 6;
    const std::vector<Token> history = {20, 10, 5};  // the window of two has let go of 20
    Sampler sampler(vocabulary(), options, history);
    EXPECT_EQ(sampler.sample(logits), 20);  // 10 counts half
    EXPECT_EQ(sampler.sample(logits), 10);  // window 5, 20
    EXPECT_EQ(sampler.sample(logits), 30);  // window 20, 10
}

TEST(Sampler, RepeatWindowOfNothingPenalisesNothing) {
    SamplingOptions options;
    options.repeat_penalty = 2;
    options.repeat_last = 0;
    std::vector<float> logits = flat_logits();
    logits[10] = 8;
    Sampler sampler(vocabulary(), options, std::vector<Token>{10});
    EXPECT_EQ(sampler.sample(logits), 10);
    EXPECT_EQ(sampler.sample(logits), 10);
}

std::vector<Token> draw(const SamplingOptions & options, const std::vector<float> & logits, int count) {
    Sampler sampler(vocabulary(), options, {});
    std::vector<Token> tokens;
    for (int i = 0; i < count; ++i) {
        tokens.push_back(sampler.sample(logits).value());
    }
    return tokens;
}

TEST(Sampler, SameSeedSameDraws) {
    SamplingOptions options;
    options.temperature = 1;
    options.seed = 7;
    std::vector<float> logits = flat_logits();
    for (std::size_t i = 0; i < logits.size(); ++i) {
        logits[i] = static_cast<float>((i * 7919) % 1000) / 100;
    }
    const std::vector<Token> first = draw(options, logits, 30);
    EXPECT_EQ(draw(options, logits, 30), first);
    options.seed = 8;
    EXPECT_NE(draw(options, logits, 30), first);
}

TEST(Sampler, EachFilterBoundsWhatIsDrawn) {
    std::vector<float> logits = flat_logits();
    logits[1] = 20;
    logits[2] = 19.5F;
    logits[3] = 19;
    logits[4] = 10;
    SamplingOptions open;
    open.temperature = 1.5F;
    open.top_k = 0;
    open.top_p = 1;
    open.min_p = 0;
    open.seed = 1;
    const auto drawn = [&](const SamplingOptions & options) {
        const std::vector<Token> tokens = draw(options, logits, 200);
        return std::set<Token>(tokens.begin(), tokens.end());
    };
    SamplingOptions top_k = open;
    top_k.top_k = 2;
    EXPECT_EQ(drawn(top_k), (std::set<Token>{1, 2}));
    SamplingOptions top_p = open;
    top_p.top_p = 0.6F;
    EXPECT_EQ(drawn(top_p), (std::set<Token>{1, 2}));
    SamplingOptions min_p = open;
    min_p.min_p = 0.3F;
    EXPECT_EQ(drawn(min_p), (std::set<Token>{1, 2, 3}));
    SamplingOptions cold = open;
    cold.temperature = 0.01F;
    EXPECT_EQ(drawn(cold), (std::set<Token>{1}));
}

/// Dividing by such a temperature gives infinities, and their differences are no numbers.
TEST(Sampler, AnyLowTemperatureIsGreedy) {
    std::vector<float> logits = flat_logits();
    logits[700] = logits[300] = 19;
    logits[40000] = std::nextafter(19.0F, 20.0F);
    for (const float temperature : {1e-30F, 1e-37F, 1e-38F, 1e-45F}) {
        SamplingOptions options;
        options.temperature = temperature;
        options.seed = 3;
        EXPECT_EQ(draw(options, logits, 20), std::vector<Token>(20, 40000)) << temperature;
    }
    logits[40000] = 0;
    SamplingOptions coldest;
    coldest.temperature = 1e-38F;
    EXPECT_EQ(draw(coldest, logits, 20), std::vector<Token>(20, 300)) << "of ties the lower id";
    for (float & logit : logits) {
        logit -= 50;  // below zero
    }
    EXPECT_EQ(draw(coldest, logits, 20), std::vector<Token>(20, 300));
}

TEST(Sampler, AnyHighTemperatureDrawsFromAll) {
    std::vector<float> logits = flat_logits();
    logits[1] = 20;
    SamplingOptions options;
    options.temperature = std::numeric_limits<float>::max();
    options.top_k = 3;
    options.top_p = 1;
    options.min_p = 0;
    options.seed = 1;
    const std::vector<Token> drawn = draw(options, logits, 100);
    EXPECT_EQ(std::set<Token>(drawn.begin(), drawn.end()).size(), 3U);
}

TEST(Sampler, RefusesLogitsThatHaveNoGreatest) {
    for (const float temperature : {0.0F, 0.8F}) {
        SamplingOptions options;
        options.temperature = temperature;
        Sampler sampler(vocabulary(), options, {});
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            std::vector<float> logits = flat_logits();
            logits[40] = bad;
            EXPECT_TRUE(snapkv::test::error_of(ErrorKind::Input, [&] {
                            sampler.sample(logits);
                        }).starts_with("the model's logit 40 is "));
        }
    }
}

TEST(Sampler, MovesWithItsState) {
    SamplingOptions options;
    options.repeat_penalty = 2;
    std::vector<float> logits = flat_logits();
    logits[10] = 8;
    logits[20] = 7;
    Sampler first(vocabulary(), options, {});
    EXPECT_EQ(first.sample(logits), 10);
    Sampler second = std::move(first);
    EXPECT_EQ(second.sample(logits), 20);
}

TEST(Sampler, RefusesSettingsOutOfRangeByTheFlagsName) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const auto error_of = [](auto && change) -> std::string {
        SamplingOptions options;
        change(options);
        try {
            const Sampler sampler(vocabulary(), options, {});
        } catch (const Error & e) {
            EXPECT_EQ(e.kind(), ErrorKind::Usage);
            return e.what();
        }
        return "";
    };
    for (const float value : {-0.1F, nan, infinite}) {
        EXPECT_TRUE(error_of([&](auto & o) { o.temperature = value; }).starts_with("sampling.temperature "));
    }
    EXPECT_EQ(error_of([](auto & o) { o.top_k = -1; }), "sampling.top_k -1: expected 0 (all tokens) or more");
    for (const float value : {-0.1F, 1.1F, nan}) {
        EXPECT_TRUE(error_of([&](auto & o) { o.top_p = value; }).starts_with("sampling.top_p "));
        EXPECT_TRUE(error_of([&](auto & o) { o.min_p = value; }).starts_with("sampling.min_p "));
    }
    for (const float value : {0.0F, -1.0F, nan, infinite}) {
        EXPECT_TRUE(error_of([&](auto & o) { o.repeat_penalty = value; }).starts_with("sampling.repeat_penalty "));
    }
    EXPECT_TRUE(error_of([](auto & o) { o.repeat_last = -1; }).starts_with("sampling.repeat_last "));
    EXPECT_EQ(error_of([](auto &) {}), "");
}

TEST(Sampler, AddsBiasesAndForbidsTokens) {
    SamplingOptions options;
    options.logit_bias = {{300, 3}, {700, -std::numeric_limits<float>::infinity()}};
    Sampler sampler(vocabulary(), options, {});
    std::vector<float> logits = flat_logits();
    logits[700] = 9;
    logits[900] = 2;
    EXPECT_EQ(sampler.sample(logits), 300);
    logits[900] = 4;
    EXPECT_EQ(sampler.sample(logits), 900);
    options.logit_bias = {{vocabulary().size(), 1}};
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { Sampler(vocabulary(), options, {}); }),
              "sampling.logit_bias: the model has no token 49152; expected 0 to 49151");
}

TEST(Sampler, CountsHowOftenATokenWasSeen) {
    const std::vector<Token> history{300, 300, 300, 700};
    std::vector<float> logits = flat_logits();
    logits[300] = 5;
    logits[700] = 4.5F;
    SamplingOptions options;
    options.presence_penalty = 1;
    EXPECT_EQ(Sampler(vocabulary(), options, history).sample(logits), 300) << "both are penalised alike";
    options.presence_penalty = 0;
    options.frequency_penalty = 1;
    EXPECT_EQ(Sampler(vocabulary(), options, history).sample(logits), 700);
    options.frequency_penalty = 5000;
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { Sampler(vocabulary(), options, {}); }),
              "sampling.frequency_penalty 5000: expected a number from -1000 to 1000");
}

/// The text that a grammar makes of logits that always prefer the same tokens.
std::string follow(const std::string & grammar, const std::vector<float> & logits, float temperature) {
    SamplingOptions options;
    options.grammar = grammar;
    options.temperature = temperature;
    options.seed = 3;
    Sampler sampler(vocabulary(), options, {});
    std::string text;
    for (int step = 0; step < 40; ++step) {
        const std::optional<Token> token = sampler.sample(logits);
        if (!token || vocabulary().is_end_of_generation(*token)) {
            return token ? text : text + " and nothing";
        }
        text += vocabulary().piece(*token);
    }
    return text + " without end";
}

TEST(Sampler, TakesWhatTheGrammarAllows) {
    std::vector<float> logits = flat_logits();
    logits[300] = 20;
    for (const float temperature : {0.0F, 1.5F}) {
        EXPECT_EQ(follow("root ::= \"Marina, the keeper\"", logits, temperature), "Marina, the keeper");
        const std::string digits = follow("root ::= [0-9]{4}", logits, temperature);
        EXPECT_EQ(digits.size(), 4U) << digits;
        EXPECT_EQ(digits.find_first_not_of("0123456789"), std::string::npos) << digits;
    }
}

TEST(Sampler, TakesNothingWhereNothingIsAllowed) {
    SamplingOptions options;
    for (Token token = 0; token < vocabulary().size(); ++token) {
        options.logit_bias.push_back({token, -std::numeric_limits<float>::infinity()});
    }
    EXPECT_EQ(Sampler(vocabulary(), options, {}).sample(flat_logits()), std::nullopt);
    options.logit_bias.resize(1);
    options.grammar = "root ::= \"a\" !<[0]>";  // libllama refuses a token as it is accepted
    Sampler sampler(vocabulary(), options, {});
    for (int step = 0; step < 4; ++step) {
        static_cast<void>(sampler.sample(flat_logits()));
    }
    options.logit_bias = {{5, 1}, {5, 2}};
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { Sampler(vocabulary(), options, {}); }),
              "sampling.logit_bias names token 5 twice");
    options.logit_bias = {{5, 3e38F}};
    EXPECT_TRUE(test::error_of(ErrorKind::Usage, [&] {
                    Sampler(vocabulary(), options, {});
                }).starts_with("sampling.logit_bias of token 5: 3e+38; expected a number of at most 1000000"));
}

}  // namespace
}  // namespace snapkv::run
