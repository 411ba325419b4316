#include <gtest/gtest.h>

#include <atomic>

#include "run/model_impl.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::full_cache;
using test::snapkv_cache;

/// append(): further tokens against what is kept.
class FurtherTurn : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(64);
    std::vector<Token> first_ = test::random_tokens(150, 71);
    std::vector<Token> second_ = test::random_tokens(90, 72);

    Sequence prefilled(const std::vector<Token> & tokens, const CacheConfig & cache) {
        return test::prefill_one(session_, branch_of(tokens, cache));
    }
};

TEST_F(FurtherTurn, AtFullBudgetEqualsTheRunOverTheWholeText) {
    for (const KvType type : {KvType::F16, KvType::F32, KvType::BF16}) {
        SCOPED_TRACE(static_cast<int>(type));
        Sequence whole = prefilled(test::joined(first_, second_), full_cache(type));
        Sequence turned = prefilled(first_, full_cache(type));
        session_.append(turned, second_);
        EXPECT_LT(test::nmse(turned.logits(), whole.logits()), type == KvType::F32 ? 1e-8 : 1e-5);
        test::expect_same_answers(session_, whole, turned, 16);
    }
}

TEST_F(FurtherTurn, InSmallPiecesEqualsTheRunOverTheWholeText) {
    Sequence whole = prefilled(test::joined(first_, second_), full_cache(KvType::F16));
    Sequence turned = prefilled(first_, snapkv_cache(1000, 16, KvType::F16));
    for (std::size_t begin = 0; begin < second_.size(); begin += 7) {
        const std::size_t count = std::min<std::size_t>(7, second_.size() - begin);
        session_.append(turned, std::span(second_).subspan(begin, count));
    }
    EXPECT_LT(test::nmse(turned.logits(), whole.logits()), 1e-5);
    test::expect_same_answers(session_, whole, turned, 16);
}

TEST_F(FurtherTurn, FeedsThePendingTokenFirst) {
    Sequence sequence = prefilled(first_, full_cache());
    const std::vector<Token> answer = test::greedy(session_, sequence, 3);
    ASSERT_EQ(answer.size(), 3U);
    const AppendStats stats = session_.append(sequence, second_);
    EXPECT_EQ(stats.tokens, second_.size() + 1);
    Sequence whole = prefilled(test::joined(test::joined(first_, answer), second_), full_cache());
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), whole.tokens()));
    EXPECT_LT(test::nmse(sequence.logits(), whole.logits()), 1e-8);
    EXPECT_FALSE(Internals::of(sequence).pending);
}

TEST_F(FurtherTurn, OfNothingFeedsThePendingTokenAlone) {
    Sequence sequence = prefilled(first_, full_cache());
    EXPECT_EQ(session_.append(sequence, {}).tokens, 0U);
    const std::vector<Token> answer = test::greedy(session_, sequence, 1);
    EXPECT_EQ(session_.append(sequence, {}).tokens, 1U);
    const Sequence whole = prefilled(test::joined(first_, answer), full_cache());
    EXPECT_LT(test::nmse(sequence.logits(), whole.logits()), 1e-8);
}

TEST_F(FurtherTurn, ContinuesTheTruePositions) {
    Sequence sequence = prefilled(first_, snapkv_cache(40, 8));
    EXPECT_EQ(Internals::of(sequence).next_position(), first_.size());
    session_.append(sequence, second_);
    EXPECT_EQ(Internals::of(sequence).next_position(), first_.size() + second_.size());
    EXPECT_EQ(Internals::of(sequence).rows.tail.first(), Position{static_cast<std::uint32_t>(first_.size())});
    EXPECT_EQ(Internals::of(sequence).rows.tail.rows(), second_.size());
    EXPECT_EQ(sequence.prompt_tokens(), first_.size());
}

TEST_F(FurtherTurn, DoesNotCompressAgain) {
    Sequence sequence = prefilled(first_, snapkv_cache(40, 8));
    KeptPositions expected = sequence.kept_positions();
    session_.append(sequence, second_);
    for (auto & layer : expected) {
        for (auto & head : layer) {
            for (std::size_t i = 0; i < second_.size(); ++i) {
                head.push_back(Position{static_cast<std::uint32_t>(first_.size() + i)});
            }
        }
    }
    EXPECT_EQ(sequence.kept_positions(), expected) << "all of the turn, and what was kept before";
    EXPECT_EQ(sequence.cache_stats().rows_full, 3 * 2 * first_.size());
}

TEST_F(FurtherTurn, ForksAreIndependent) {
    Sequence one = prefilled(first_, snapkv_cache(40, 8));
    session_.append(one, std::span(second_).first(10));
    Sequence other = one.fork();
    EXPECT_TRUE(test::same_bits(one.logits(), other.logits()));
    Sequence untouched = one.fork();
    session_.append(one, std::span(second_).subspan(10, 30));
    const std::vector<Token> answer_of_one = test::greedy(session_, one, 5);
    EXPECT_EQ(other.tokens().size(), first_.size() + 10);
    session_.append(other, std::span(second_).subspan(10, 30));
    EXPECT_EQ(test::greedy(session_, other, 5), answer_of_one);
    EXPECT_EQ(untouched.tokens().size(), first_.size() + 10);
}

TEST_F(FurtherTurn, AForkOutlivesItsOrigin) {
    std::optional<Sequence> one = prefilled(first_, snapkv_cache(40, 8));
    Sequence other = one->fork();
    const std::vector<Token> expected = test::greedy(session_, *one, 6);
    one.reset();
    EXPECT_EQ(test::greedy(session_, other, 6), expected);
}

TEST_F(FurtherTurn, WithTheTemplateClosesTheOpenTurn) {
    Branch branch;
    branch.prompt = run_.model.chat_prompt("the document", "the question");
    branch.cache = snapkv_cache(1000, 8);
    Sequence sequence = test::prefill_one(session_, branch);
    test::greedy(session_, sequence, 3);
    const std::vector<Token> turn = session_.turn_tokens(sequence, "and then?", false);
    std::string text;
    for (const Token token : turn) {
        text += Internals::of(run_.model)->vocabulary.piece(token, true);
    }
    EXPECT_EQ(text, "<|im_end|>\n<|im_start|>user\nand then?<|im_end|>\n<|im_start|>assistant\n");
    session_.append(sequence, turn);
    EXPECT_EQ(test::greedy(session_, sequence, 3).size(), 3U);
}

}  // namespace
}  // namespace snapkv
