// What the model thought of tokens that it was given: in a prefill and in what is appended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <stop_token>
#include <vector>

#include "product/gemm.h"
#include "run/loaded_family.h"
#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/float32.h"

namespace snapkv {
namespace {

using ::testing::HasSubstr;

/// The naive model's log-probabilities at a position, the likeliest first.
struct NaiveScores {
    std::vector<double> logprobs;
    std::vector<Token> order;

    NaiveScores(const test::NaiveModel & naive, std::uint32_t position) : logprobs(naive.logits(position)) {
        double sum = 0;
        for (const double logit : logprobs) {
            sum += std::exp(logit);
        }
        for (double & logit : logprobs) {
            logit -= std::log(sum);
        }
        order.resize(logprobs.size());
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), [&](Token a, Token b) { return of(a) > of(b); });
    }
    [[nodiscard]] double of(Token token) const { return logprobs[static_cast<std::size_t>(token)]; }
};

/// That `scores` are the naive model's of the last of `tokens`.
void expect_naive(const test::TinyRun & run, std::span<const Token> tokens, std::span<const ScoredToken> scores,
                  std::uint32_t top) {
    test::NaiveModel naive = run.naive();
    naive.feed(std::vector<Token>(tokens.begin(), tokens.end()));
    const std::size_t first = tokens.size() - scores.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const NaiveScores expected(naive, static_cast<std::uint32_t>(first + i - 1));
        ASSERT_NEAR(scores[i].logprob, expected.of(tokens[first + i]), 2e-3) << "of token " << first + i;
        ASSERT_EQ(scores[i].top.size(), top);
        for (std::size_t place = 0; place < top; ++place) {
            ASSERT_NEAR(scores[i].top[place].logprob, expected.of(expected.order[place]), 2e-3);
            ASSERT_NEAR(scores[i].top[place].logprob, expected.of(scores[i].top[place].token), 2e-3);
        }
    }
}

/// Bit for bit, where products do not depend on the number of rows.
void expect_same(std::span<const ScoredToken> one, std::span<const ScoredToken> other) {
    const double most = product::gemm_rows_are_independent(product::Element::F32) ? 0 : 1e-4;
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        ASSERT_NEAR(one[i].logprob, other[i].logprob, most) << i;
        ASSERT_EQ(one[i].top.size(), other[i].top.size());
    }
}

class Scores : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(64);
    std::vector<Token> text_ = test::random_tokens(200, 1);

    [[nodiscard]] static Branch scored(std::vector<Token> tokens, const CacheConfig & cache, const Scoring & scoring) {
        Branch branch = test::branch_of(std::move(tokens), cache);
        branch.scoring = scoring;
        return branch;
    }
};

TEST_F(Scores, OfAPromptAreTheNaiveModels) {
    const attention::cpu::OnlySet only = test::float32_kernels();
    for (const std::uint32_t count : {1U, 63U, 64U, 199U}) {
        SCOPED_TRACE(count);
        const Branch branch = scored(text_, test::full_cache(), {count, 3});
        const PrefillResult result = session_.prefill({&branch, 1});
        ASSERT_EQ(result.scores.front().size(), count);
        expect_naive(run_, text_, result.scores.front(), 3);
        Session other = run_.session(512);
        expect_same(other.prefill({&branch, 1}).scores.front(), result.scores.front());
    }
}

TEST_F(Scores, DoNotDependOnTheCacheNorOnWhoShares) {
    const std::vector<Token> question = test::random_tokens(20, 2);
    const std::vector<Token> longer = test::random_tokens(70, 3);
    const std::vector<Branch> branches{
        scored(test::joined(text_, question), test::snapkv_cache(32, 16), {150, 0}),  // most of them in the trunk
        scored(text_, test::full_cache(), {}),
        scored(test::joined(text_, longer), test::full_cache(), {70, 2}),
    };
    const PrefillResult together = session_.prefill(branches);
    EXPECT_EQ(together.scores[1].size(), 0U);
    for (const std::size_t index : {0U, 2U}) {
        expect_same(session_.prefill({&branches[index], 1}).scores.front(), together.scores[index]);
        EXPECT_EQ(together.scores[index].size(), branches[index].scoring.tokens);
    }
    Branch whole = branches[0];
    whole.cache = test::full_cache();
    expect_same(session_.prefill({&whole, 1}).scores.front(), together.scores[0]);
}

TEST_F(Scores, OfHeldRowsAreComputed) {
    const Branch plain = scored(text_, test::full_cache(), {});
    PrefillTask task = session_.begin_prefill({&plain, 1}, {.hold = 150});
    while (task.advance()) {
    }
    const Branch branch = scored(text_, test::full_cache(), {100, 0});
    const PrefillResult expected = session_.prefill({&branch, 1});
    const PrefillResult found = session_.prefill({&branch, 1}, {.document = task.document()});
    EXPECT_EQ(found.stats.held_tokens, 99U) << "the last of them says what was thought of the first that is scored";
    expect_same(found.scores.front(), expected.scores.front());
}

TEST_F(Scores, OfATurnAreTheNaiveModels) {
    const attention::cpu::OnlySet only = test::float32_kernels();
    const Branch branch = test::branch_of(text_, test::full_cache());
    const Sequence prompt = test::prefill_one(session_, branch);
    // A step, few rows, a layer at a time, and several chunks with a rest that is a turn of its own.
    for (const std::uint32_t count : {1U, 2U, 40U, 100U, 300U, 530U}) {
        SCOPED_TRACE(count);
        const std::vector<Token> turn = test::random_tokens(count, 4);
        Sequence sequence = prompt.fork();
        const AppendStats all = session_.append(sequence, turn, {.scoring = {count, 2}});
        ASSERT_EQ(all.scores.size(), count);
        expect_naive(run_, test::joined(text_, turn), all.scores, 2);
        Sequence plain = prompt.fork();
        session_.append(plain, turn);
        EXPECT_TRUE(test::same_bits(plain.logits(), sequence.logits())) << "scoring changes nothing";
        Sequence last = prompt.fork();
        const std::uint32_t some = (count + 1) / 2;
        const AppendStats of_last = session_.append(last, turn, {.scoring = {some, 2}});
        expect_same(of_last.scores, std::span(all.scores).last(some));
    }
}

TEST_F(Scores, BeginBehindASampledToken) {
    const attention::cpu::OnlySet only = test::float32_kernels();
    Sequence sequence = test::prefill_one(session_, test::branch_of(text_, test::full_cache()));
    const std::vector<Token> answer = test::greedy(session_, sequence, 3);
    const std::vector<Token> turn = test::random_tokens(12, 5);
    const AppendStats stats = session_.append(sequence, turn, {.scoring = {12, 0}});
    EXPECT_EQ(stats.tokens, 13U);
    ASSERT_EQ(stats.scores.size(), 12U);
    expect_naive(run_, test::joined(test::joined(text_, answer), turn), stats.scores, 0);
}

TEST_F(Scores, AreOfWhatWasAppendedBeforeAStop) {
    Sequence sequence = test::prefill_one(session_, test::branch_of(text_, test::full_cache()));
    Sequence undisturbed = sequence.fork();
    const std::vector<Token> turn = test::random_tokens(700, 6);
    const AppendStats whole = session_.append(undisturbed, turn, {.scoring = {690, 0}});
    std::stop_source source;
    const AppendStats part = session_.append(sequence, turn, {.scoring = {690, 0}},
                                             {.stop = source.get_token(), .progress = [&](const CallProgress & done) {
                                                  if (done.done > 512) {
                                                      source.request_stop();
                                                  }
                                              }});
    EXPECT_TRUE(part.interrupted);
    EXPECT_EQ(part.tokens, 512U);
    expect_same(part.scores, std::span(whole.scores).first(512 - 10));
}

TEST_F(Scores, LeaveTheLogitsAlone) {
    const Sequence plain = test::prefill_one(session_, test::branch_of(text_, test::full_cache(KvType::BF16)));
    for (const std::uint32_t count : {1U, 40U, 64U, 130U}) {
        const Branch branch = scored(text_, test::full_cache(KvType::BF16), {count, 0});
        EXPECT_TRUE(test::same_bits(session_.prefill({&branch, 1}).sequences.front().logits(), plain.logits()));
    }
}

TEST_F(Scores, AreUnitsOfATask) {
    const Branch plain = scored(text_, test::full_cache(), {});
    const Branch branch = scored(text_, test::full_cache(), {150, 0});
    const auto units = [&](const Branch & of) {
        PrefillTask task = session_.begin_prefill({&of, 1});
        std::uint32_t count = 0;
        while (task.advance()) {
            ++count;
        }
        return count;
    };
    EXPECT_EQ(units(branch), units(plain) + 3) << "64, 64 and 23 rows before the last alone";
    PrefillTask task = session_.begin_prefill(std::array{branch, branch});
    for (std::uint32_t unit = 0; unit + 6 < units(branch); ++unit) {
        ASSERT_TRUE(task.advance());
    }
    while (task.advance()) {  // one is dropped amid its scores, whenever that is
        task.drop(0);
    }
    expect_same(task.take().scores.front(), session_.prefill({&branch, 1}).scores.front());
}

/// Layers that slide, recur, have sinks or one head: scored in a prefill and in a turn.
TEST(ScoresOfFamilies, AgreeWhereverTokensAreGiven) {
    for (const char * name : {"gemma3", "gpt-oss", "deepseek2", "qwen35"}) {
        SCOPED_TRACE(name);
        const test::LoadedFamily family(name);
        Session session = family.session();
        const std::vector<Token> text = test::random_tokens(240, 8);
        Branch whole = test::branch_of(text, test::full_cache());
        whole.scoring.tokens = 200;
        const PrefillResult prefilled = session.prefill({&whole, 1});
        const std::vector<ScoredToken> & expected = prefilled.scores.front();
        const auto begin = std::span(text).first(40);
        Sequence sequence =
            test::prefill_one(session, test::branch_of({begin.begin(), begin.end()}, test::full_cache()));
        const AppendStats stats = session.append(sequence, std::span(text).subspan(40), {.scoring = {200, 0}});
        ASSERT_EQ(stats.scores.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_NEAR(stats.scores[i].logprob, expected[i].logprob, 0.02) << i;
        }
    }
}

TEST_F(Scores, AreRefusedWhereThereAreNone) {
    const Branch branch = scored(text_, test::full_cache(), {200, 0});
    EXPECT_THAT(test::error_of(ErrorKind::Usage,
                               [&] {
                                   static_cast<void>(session_.prefill({&branch, 1}));
                               }),
                HasSubstr("200 tokens of a prompt of 200"));
    Sequence sequence = test::prefill_one(session_, test::branch_of(text_, test::full_cache()));
    EXPECT_THAT(test::error_of(ErrorKind::Usage,
                               [&] {
                                   session_.append(sequence, test::random_tokens(5, 7), {.scoring = {6, 0}});
                               }),
                HasSubstr("6 tokens are to be scored, 5 are appended"));
    EXPECT_EQ(sequence.tokens().size(), 200U);
}

}  // namespace
}  // namespace snapkv
