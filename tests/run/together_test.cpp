// Sequences that are decoded together: each gets what it would have got alone, bit for bit.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "model/family.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"
#include "support/family_shapes.h"
#include "support/random_family.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

/// Prompts of several lengths with caches of several kinds.
std::vector<Branch> branches(std::uint32_t vocabulary) {
    std::vector<Branch> branches;
    const auto add = [&](std::size_t tokens, std::uint32_t seed, const CacheConfig & cache) {
        std::vector<Token> prompt = test::random_tokens(tokens, seed);
        for (Token & token : prompt) {
            token = static_cast<Token>(static_cast<std::uint32_t>(token) % vocabulary);
        }
        branches.push_back(test::branch_of(std::move(prompt), cache));
    };
    add(300, 1, test::snapkv_cache(64, 16));
    add(7, 2, test::full_cache());
    add(290, 3, test::full_cache());
    add(120, 4, test::snapkv_cache(40, 8, KvType::F16));
    add(120, 5, test::snapkv_cache(40, 8));
    add(60, 6, test::full_cache(KvType::F16));
    return branches;
}

std::vector<Sequence> sequences(Session & session, const std::vector<Branch> & branches) {
    std::vector<Sequence> sequences;
    for (const Branch & branch : branches) {
        sequences.push_back(test::prefill_one(session, branch));
    }
    return sequences;
}

GenerateOptions at_most(std::int64_t tokens) {
    GenerateOptions options;
    options.max_tokens = tokens;
    return options;
}

/// Generates from each alone and from all together, the i-th i tokens more than the first.
void expect_as_alone(Session & session, const std::vector<Branch> & branches) {
    std::vector<Sequence> together = sequences(session, branches);
    std::vector<Generation> alone;
    std::vector<Sequence> by_themselves;
    std::vector<GenerateRequest> requests;
    for (std::size_t index = 0; index < together.size(); ++index) {
        by_themselves.push_back(together[index].fork());
        const GenerateOptions options = at_most(4 + static_cast<std::int64_t>(index));
        alone.push_back(session.generate(by_themselves.back(), options));
        requests.push_back({&together[index], options});
    }
    const std::vector<Generation> found = session.generate(requests);
    ASSERT_EQ(found.size(), alone.size());
    for (std::size_t index = 0; index < found.size(); ++index) {
        SCOPED_TRACE(index);
        EXPECT_EQ(found[index].tokens, alone[index].tokens);
        EXPECT_EQ(found[index].text, alone[index].text);
        EXPECT_EQ(found[index].reason, alone[index].reason);
        EXPECT_EQ(found[index].decode_steps, alone[index].decode_steps);
        EXPECT_TRUE(test::same_bits(together[index].logits(), by_themselves[index].logits()));
    }
}

class Together : public ::testing::TestWithParam<AttentionPath> {
protected:
    std::atomic<bool> stop_{false};
    test::TinyRun run_;
    Session session_ = run_.session(options());

    [[nodiscard]] SessionOptions options() const {
        SessionOptions options;
        options.threads = 1;
        options.attention = GetParam();
        options.stop = &stop_;
        return options;
    }
};

TEST_P(Together, EachIsAsAlone) {
    expect_as_alone(session_, branches(256));
}

TEST_P(Together, ThirtyTwoAreEachAsAlone) {
    std::vector<Branch> many;
    for (std::uint32_t index = 0; index < 32; ++index) {
        many.push_back(test::branch_of(test::random_tokens(20 + index, index), test::full_cache()));
    }
    expect_as_alone(session_, many);
}

TEST_P(Together, ForksOfOneGoOnWithOtherTokens) {
    Sequence origin = test::prefill_one(session_, branches(256).front());
    Sequence one = origin.fork();
    Sequence other = origin.fork();
    const std::vector<Token> turn = test::random_tokens(5, 7);
    session_.append(other, turn);
    Sequence expected_one = one.fork();
    Sequence expected_other = other.fork();
    const std::vector<Token> tokens_of_one = test::greedy(session_, expected_one, 6);
    const std::vector<Token> tokens_of_other = test::greedy(session_, expected_other, 6);
    const std::vector<GenerateRequest> requests{{&one, at_most(6)}, {&other, at_most(6)}};
    const std::vector<Generation> found = session_.generate(requests);
    EXPECT_EQ(found[0].tokens, tokens_of_one);
    EXPECT_EQ(found[1].tokens, tokens_of_other);
}

TEST_P(Together, OneThatEndsLeavesTheOthersGoingOn) {
    std::vector<Sequence> all = sequences(session_, branches(256));
    std::vector<Sequence> expected;
    for (const Sequence & sequence : all) {
        expected.push_back(sequence.fork());
    }
    std::vector<GenerateRequest> requests;
    for (Sequence & sequence : all) {
        requests.push_back({&sequence, at_most(9)});
    }
    int calls = 0;
    requests[2].on_text = [&](std::string_view) { return ++calls < 3; };
    requests[3].options.max_tokens = 0;
    const std::vector<Generation> found = session_.generate(requests);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(found[2].reason, StopReason::Interrupt);
    EXPECT_LT(found[2].tokens.size(), 9U);
    EXPECT_EQ(found[3].tokens.size(), 0U);
    for (const std::size_t index : {0U, 1U, 4U, 5U}) {
        EXPECT_EQ(found[index].tokens, test::greedy(session_, expected[index], 9)) << index;
    }
    // What was ended goes on where it was.
    const std::vector<Token> rest = test::greedy(session_, all[2], 4);
    const std::vector<Token> whole =
        test::greedy(session_, expected[2], static_cast<std::int64_t>(found[2].tokens.size()) + 4);
    EXPECT_EQ(test::joined(found[2].tokens, rest), whole);
}

TEST_P(Together, AreAllInterruptedAndGoOn) {
    std::vector<Sequence> all = sequences(session_, branches(256));
    std::vector<Sequence> expected;
    std::vector<GenerateRequest> requests;
    for (Sequence & sequence : all) {
        expected.push_back(sequence.fork());
        requests.push_back({&sequence, at_most(8)});
    }
    int calls = 0;
    requests[1].on_text = [&](std::string_view) {
        stop_ = ++calls == 3;
        return true;
    };
    const std::vector<Generation> cut = session_.generate(requests);
    stop_ = false;
    requests[1].on_text = nullptr;
    const std::vector<Generation> rest = session_.generate(requests);
    for (std::size_t index = 0; index < all.size(); ++index) {
        SCOPED_TRACE(index);
        EXPECT_EQ(cut[index].reason, StopReason::Interrupt);
        const std::vector<Token> found = test::joined(cut[index].tokens, rest[index].tokens);
        EXPECT_EQ(found, test::greedy(session_, expected[index], static_cast<std::int64_t>(found.size())));
    }
}

/// Tokens that were not sampled: a step takes one for each.
TEST_P(Together, StepsWithGivenTokensAreAsAlone) {
    std::vector<Sequence> all = sequences(session_, branches(256));
    std::vector<Sequence> alone;
    std::vector<Sequence *> together;
    for (Sequence & sequence : all) {
        alone.push_back(sequence.fork());
        together.push_back(&sequence);
    }
    for (std::uint32_t step = 0; step < 3; ++step) {
        const std::vector<Token> tokens = test::random_tokens(all.size(), 20 + step);
        EXPECT_EQ(session_.step(together, tokens).tokens, all.size());
        for (std::size_t index = 0; index < all.size(); ++index) {
            session_.append(alone[index], std::span(tokens).subspan(index, 1));
            EXPECT_TRUE(test::same_bits(all[index].logits(), alone[index].logits())) << index;
            EXPECT_TRUE(std::ranges::equal(all[index].tokens(), alone[index].tokens())) << index;
        }
    }
    const std::vector<Token> tokens = test::random_tokens(all.size(), 30);
    const std::vector<Token> few(tokens.begin(), tokens.end() - 1);
    test::error_of(ErrorKind::Usage, [&] { session_.step(together, few); });
    std::vector<Token> damaged = tokens;
    damaged.back() = 100'000;
    test::error_of(ErrorKind::Input, [&] { session_.step(together, damaged); });
    test::greedy(session_, all[1], 1);
    test::error_of(ErrorKind::Usage, [&] { session_.step(together, tokens); });
    stop_ = true;
    together.erase(together.begin() + 1);
    EXPECT_TRUE(session_.step(together, few).interrupted);
    stop_ = false;
    EXPECT_TRUE(std::ranges::equal(all[0].tokens(), alone[0].tokens()));
}

TEST_P(Together, NoneIsNamedTwice) {
    Sequence sequence = test::prefill_one(session_, branches(256).front());
    const std::vector<GenerateRequest> requests{{&sequence, at_most(1)}, {&sequence, at_most(1)}};
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(session_.generate(requests)); });
    EXPECT_TRUE(session_.generate(std::span<const GenerateRequest>()).empty());
    const std::vector<GenerateRequest> nobody{{}};
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(session_.generate(nobody)); });
}

TEST_P(Together, StepsWithASequencesOwnTokens) {
    Sequence sequence = test::prefill_one(session_, branches(256).front());
    Sequence expected = sequence.fork();
    const Token last = sequence.tokens().back();
    Sequence * together = &sequence;
    session_.step({&together, 1}, sequence.tokens().last(1));
    session_.append(expected, {&last, 1});
    EXPECT_EQ(sequence.tokens().back(), last);
    EXPECT_TRUE(test::same_bits(sequence.logits(), expected.logits()));
}

TEST_P(Together, ShowsWhatAnAnswerHeldBackWhenItEnds) {
    std::vector<Sequence> all = sequences(session_, {branches(256)[0], branches(256)[1]});
    Sequence probe = all[0].fork();
    const std::string whole = session_.generate(probe, at_most(4)).text;
    std::vector<GenerateRequest> requests{{&all[0], at_most(4)}, {&all[1], at_most(12)}};
    requests[0].options.stop = {whole + "and what never comes"};  // every piece might begin it
    std::string shown;
    int of_other = 0;
    int of_other_when_shown = 0;
    requests[0].on_text = [&](std::string_view text) {
        shown += text;
        of_other_when_shown = of_other;
        return true;
    };
    requests[1].on_text = [&](std::string_view) { return ++of_other > 0; };
    static_cast<void>(session_.generate(requests));
    EXPECT_EQ(shown, whole);
    EXPECT_LT(of_other_when_shown, 6);
}

INSTANTIATE_TEST_SUITE_P(Paths, Together, ::testing::Values(AttentionPath::Cpu, AttentionPath::Portable),
                         [](const auto & info) { return info.param == AttentionPath::Cpu ? "Cpu" : "Portable"; });

TEST(TogetherOnTwoThreads, ThirtyTwoAreEachAsOnOneThread) {
    const test::TinyRun run;
    Session one = run.session(512, 1);
    Session two = run.session(512, 2);
    std::vector<Sequence> sequences;
    std::vector<Generation> alone;
    std::vector<GenerateRequest> requests;
    for (std::uint32_t index = 0; index < 32; ++index) {
        const Branch branch = test::branch_of(test::random_tokens(40 + 9 * index, index), test::snapkv_cache(32, 8));
        sequences.push_back(test::prefill_one(one, branch));
        Sequence fork = sequences.back().fork();
        alone.push_back(one.generate(fork, at_most(6)));
    }
    for (Sequence & sequence : sequences) {
        requests.push_back({&sequence, at_most(6)});
    }
    const std::vector<Generation> found = two.generate(requests);
    for (std::size_t index = 0; index < found.size(); ++index) {
        EXPECT_EQ(found[index].tokens, alone[index].tokens) << index;
    }
}

TEST(TogetherInEveryFamily, EachIsAsAlone) {
    for (const model::Family * family : model::families()) {
        SCOPED_TRACE(family->name);
        const test::TemporaryFolder folder;
        const auto path = folder.path() / "model.gguf";
        const test::FamilyShape shape = test::family_shape(family->name);
        test::write_random_family(shape, path);
        SessionOptions options;
        options.threads = 1;
        Session session(Model::load(path), options);
        expect_as_alone(session, branches(shape.vocabulary));
    }
}

/// More than go together in one step.
TEST(TogetherInEveryFamily, FortyOfLatentAttentionAreEachAsAlone) {
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "model.gguf";
    const test::FamilyShape shape = test::family_shape("deepseek2");
    test::write_random_family(shape, path);
    SessionOptions options;
    options.threads = 1;
    Session session(Model::load(path), options);
    std::vector<Branch> many;
    for (std::uint32_t index = 0; index < 40; ++index) {
        many.push_back(test::branch_of(test::random_tokens(10, index), test::full_cache()));
    }
    expect_as_alone(session, many);
}

}  // namespace
}  // namespace snapkv
