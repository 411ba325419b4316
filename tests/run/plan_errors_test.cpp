#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "run/tiny_run.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::error_of;
using test::full_cache;
using test::random_tokens;
using test::snapkv_cache;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// What prefill() and its kin refuse, and with which words.
class Refusals : public ::testing::Test {
protected:
    test::TinyRun run_{test::TinyShape{.layers = 1, .context = 128}};
    Session session_ = run_.session(64);

    std::string refusal(ErrorKind kind, const std::vector<Branch> & branches) {
        std::string message = error_of(kind, [&] { static_cast<void>(session_.prefill(branches)); });
        EXPECT_EQ(error_of(kind, [&] { static_cast<void>(session_.estimate(branches)); }), message);
        return message;
    }
    std::string refusal_of(const std::function<void(CacheConfig &)> & change) {
        CacheConfig cache = snapkv_cache(40, 16);
        change(cache);
        return refusal(ErrorKind::Usage, {branch_of(random_tokens(100, 1), cache)});
    }
};

TEST_F(Refusals, OfConfigurationsThatContradictThemselves) {
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.recent = 0; }), HasSubstr("cache.recent"));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.recent = 40; }),
                AllOf(HasSubstr("cache.recent"), HasSubstr("40")));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.window = 0; }), HasSubstr("cache.window"));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.window = 40; }),
                AllOf(HasSubstr("cache.window"), HasSubstr("40")));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.window = std::numeric_limits<std::uint32_t>::max(); }),
                HasSubstr("cache.window"));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.sink = 24; }), HasSubstr("cache.sink"));
    EXPECT_THAT(refusal_of([](CacheConfig & cache) { cache.sink = std::numeric_limits<std::uint32_t>::max(); }),
                HasSubstr("cache.sink"));
}

TEST_F(Refusals, OfBudgetsThatAreNone) {
    for (const double value :
         {0.0, -3.0, 10.5, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THAT(refusal_of([&](CacheConfig & cache) { cache.budget.value = value; }), HasSubstr("cache.budget"));
    }
    for (const double value : {0.0, -1.0, 100.5, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THAT(refusal_of([&](CacheConfig & cache) {
                        cache.budget = {Budget::Unit::Percent, value};
                    }),
                    HasSubstr("%"));
    }
}

TEST_F(Refusals, OfQuantisedRowsThatAreNoWholeBlocks) {
    const std::vector<Token> prompt = random_tokens(100, 1);
    const std::string keys = refusal(ErrorKind::Usage, {branch_of(prompt, full_cache({KvType::Q8_0, KvType::F16}))});
    EXPECT_THAT(keys, AllOf(HasSubstr("cache.type.key"), HasSubstr("16")));
    const std::string values = refusal(ErrorKind::Usage, {branch_of(prompt, full_cache({KvType::F16, KvType::Q4_0}))});
    EXPECT_THAT(values, AllOf(HasSubstr("cache.type.value"), HasSubstr("16")));
}

TEST_F(Refusals, OfPromptsThatAreNone) {
    EXPECT_THAT(refusal(ErrorKind::Input, {}), HasSubstr("no prompt"));
    EXPECT_THAT(refusal(ErrorKind::Input, {branch_of({}, full_cache())}), HasSubstr("empty"));
    EXPECT_THAT(refusal(ErrorKind::Input, {branch_of(random_tokens(9, 1), full_cache()), branch_of({}, full_cache())}),
                HasSubstr("empty"));
    for (const Token token : {Token{-1}, static_cast<Token>(run_.tiny.vocabulary), Token{1 << 30}}) {
        EXPECT_THAT(refusal(ErrorKind::Input, {branch_of({1, token}, full_cache())}), HasSubstr(std::to_string(token)));
    }
}

TEST_F(Refusals, OfPromptsBeyondTheContext) {
    EXPECT_THAT(refusal(ErrorKind::Input, {branch_of(random_tokens(128, 1), full_cache())}),
                AllOf(HasSubstr("128"), HasSubstr("context")));
    const std::vector<Branch> fits{branch_of(random_tokens(127, 1), full_cache())};
    EXPECT_EQ(session_.prefill(fits).sequences.size(), 1U);
}

TEST_F(Refusals, LeaveTheSessionUsable) {
    refusal_of([](CacheConfig & cache) { cache.window = 0; });
    Sequence sequence = test::prefill_one(session_, branch_of(random_tokens(60, 1), snapkv_cache(40, 16)));
    EXPECT_EQ(test::greedy(session_, sequence, 4).size(), 4U);
}

TEST_F(Refusals, OfContextsBeyondTheTrainedOne) {
    SessionOptions options;
    options.threads = 1;
    options.context = 129;
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { static_cast<void>(run_.session(options)); }),
                AllOf(HasSubstr("129"), HasSubstr("128"), HasSubstr("session.allow_long")));
    options.allow_long = true;
    EXPECT_EQ(run_.session(options).context(), 129U);
    options.context = 0;
    EXPECT_EQ(run_.session(options).context(), 128U);
}

TEST_F(Refusals, OfTooManyThreads) {
    SessionOptions options;
    options.threads = 100000;
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { static_cast<void>(run_.session(options)); }),
                HasSubstr("session.threads"));
}

TEST_F(Refusals, OfAppendsThatDoNotFit) {
    Sequence sequence = test::prefill_one(session_, branch_of(random_tokens(100, 1), full_cache()));
    EXPECT_THAT(error_of(ErrorKind::Input, [&] { session_.append(sequence, random_tokens(28, 2)); }), HasSubstr("128"));
    EXPECT_THAT(error_of(ErrorKind::Input,
                         [&] {
                             session_.append(sequence, std::vector<Token>{1, -5});
                         }),
                HasSubstr("-5"));
    EXPECT_EQ(sequence.tokens().size(), 100U);
    EXPECT_EQ(session_.append(sequence, random_tokens(27, 2)).tokens, 27U);
}

TEST_F(Refusals, NoneForAnAnswerThatReachesTheContext) {
    Sequence sequence = test::prefill_one(session_, branch_of(random_tokens(120, 1), full_cache()));
    GenerateOptions options;
    const Generation answer = session_.generate(sequence, options);
    EXPECT_EQ(answer.reason, StopReason::Length);
    EXPECT_EQ(answer.tokens.size(), 8U);
    EXPECT_EQ(sequence.tokens().size(), 128U);
    EXPECT_EQ(session_.generate(sequence, options).tokens.size(), 0U);
}

}  // namespace
}  // namespace snapkv
