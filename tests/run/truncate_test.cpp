// Sequences that lose their last tokens, and go on as if these had never come.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

class TruncatedOf : public ::testing::TestWithParam<const char *> {
protected:
    test::LoadedFamily family_{GetParam(), 4096};
    Session session_ = family_.session();
    Branch branch_ = test::branch_of(test::random_tokens(100, 1), test::snapkv_cache(48, 16));
    std::vector<Token> more_ = test::random_tokens(40, 2);

    [[nodiscard]] static bool recurs() { return std::string(GetParam()) == "qwen35moe"; }

    void expect_same(Sequence & one, Sequence & other) {
        EXPECT_TRUE(std::ranges::equal(one.tokens(), other.tokens()));
        EXPECT_EQ(test::greedy(session_, one, 5), test::greedy(session_, other, 5));
        EXPECT_TRUE(test::same_bits(one.logits(), other.logits()));
        EXPECT_TRUE(one.kept_positions() == other.kept_positions());
    }
};

TEST_P(TruncatedOf, GoesOnAsIfWhatIsGoneHadNeverCome) {
    const Sequence prompt = test::prefill_one(session_, branch_);
    for (const std::size_t kept : {std::size_t{0}, std::size_t{1}, std::size_t{17}, more_.size() - 1, more_.size()}) {
        SCOPED_TRACE(kept);
        // One by one, so that what stays has the same bits.
        Sequence expected = prompt.fork();
        for (std::size_t i = 0; i < kept; ++i) {
            session_.append(expected, std::span(more_).subspan(i, 1));
        }
        Sequence found = prompt.fork();
        for (const Token & token : more_) {
            session_.append(found, std::span(&token, 1));
        }
        if (recurs() && kept < more_.size()) {
            test::error_of(ErrorKind::Usage, [&] { found.truncate(100 + kept); });
            continue;
        }
        found.truncate(100 + kept);
        EXPECT_EQ(found.tokens().size(), 100 + kept);
        expect_same(found, expected);
    }
}

TEST_P(TruncatedOf, AnAnswerIsTakenBackAndAskedForAgain) {
    if (recurs()) {
        return;
    }
    Sequence sequence = test::prefill_one(session_, branch_);
    const std::vector<Token> answer = test::greedy(session_, sequence, 12);
    sequence.truncate(100);
    EXPECT_EQ(test::greedy(session_, sequence, 12), answer);
    sequence.truncate(106);
    EXPECT_EQ(test::greedy(session_, sequence, 6), std::vector<Token>(answer.begin() + 6, answer.end()));
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session_.save(sequence, folder.path() / "cache"));
    Sequence loaded = session_.load(folder.path() / "cache");
    loaded.truncate(100);
    EXPECT_EQ(test::greedy(session_, loaded, 12), answer);
}

/// Layers that slide keep a window and some more of what comes after the prompt, and their sequences go on as if they
/// kept all of it.
TEST_P(TruncatedOf, MayBeLongAndIsSavedWithWhatIsLeft) {
    const std::vector<Token> long_text = test::random_tokens(1500, 3);
    Sequence sequence = test::prefill_one(session_, branch_);
    session_.append(sequence, long_text);
    Sequence whole = test::prefill_one(session_, branch_);
    Internals::of(whole).rows.tail = kv::Tail(*Internals::of(whole).arena, Internals::of(whole).rows.tail.shapes(),
                                              Internals::of(whole).rows.tail.first());
    session_.append(whole, long_text);
    EXPECT_TRUE(test::same_bits(sequence.logits(), whole.logits()));
    const std::vector<LayerAttention> & layers = session_.model().info().attention;
    const bool slides = std::any_of(layers.begin(), layers.end(), [](const auto & layer) { return layer.window > 0; });
    EXPECT_EQ(sequence.kept_positions() != whole.kept_positions(), slides);
    EXPECT_EQ(Internals::of(sequence).rows.tail.least_rows() > 0, slides);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session_.save(sequence, folder.path() / "cache"));
    Sequence loaded = session_.load(folder.path() / "cache");
    expect_same(loaded, sequence);
    test::greedy(session_, whole, 5);
    EXPECT_TRUE(test::same_bits(sequence.logits(), whole.logits()));
    if (slides) {
        test::error_of(ErrorKind::Usage, [&] { sequence.truncate(200); });
    }
    if (!recurs()) {
        const std::size_t before = sequence.tokens().size();
        sequence.truncate(before - 200);
        whole.truncate(before - 200);
        EXPECT_EQ(test::greedy(session_, sequence, 3), test::greedy(session_, whole, 3));
        EXPECT_TRUE(test::same_bits(sequence.logits(), whole.logits()));
    }
}

TEST_P(TruncatedOf, TheLogitsOfThePromptOutlastEverything) {
    if (recurs()) {
        return;
    }
    const Sequence prompt = test::prefill_one(session_, branch_);
    Sequence sequence = prompt.fork();
    EXPECT_EQ(test::greedy(session_, sequence, 1).size(), 1U);  // a token without a row
    sequence.truncate(100);
    EXPECT_TRUE(test::same_bits(sequence.logits(), prompt.logits()));
    session_.append(sequence, more_);
    sequence.truncate(101);
    test::greedy(session_, sequence, 3);
    sequence.truncate(100);
    EXPECT_TRUE(test::same_bits(sequence.logits(), prompt.logits()));
    Sequence expected = prompt.fork();
    expect_same(sequence, expected);
}

TEST_P(TruncatedOf, CanBeSavedWhenItIsCutAsFarAsItGoes) {
    Sequence sequence = test::prefill_one(session_, branch_);
    session_.append(sequence, test::random_tokens(1500, 5));
    const std::uint32_t least = Internals::of(sequence).rows.tail.least_rows();
    if (least == 0) {
        return;  // nothing slides
    }
    test::error_of(ErrorKind::Usage, [&] { sequence.truncate(100 + least); });
    sequence.truncate(100 + least + 1);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session_.save(sequence, folder.path() / "cache"));
    Sequence loaded = session_.load(folder.path() / "cache");
    expect_same(loaded, sequence);
}

TEST_P(TruncatedOf, SaysWhatCannotBe) {
    Sequence sequence = test::prefill_one(session_, branch_);
    session_.append(sequence, more_);
    test::error_of(ErrorKind::Usage, [&] { sequence.truncate(99); });
    test::error_of(ErrorKind::Usage, [&] { sequence.truncate(141); });
    sequence.truncate(140);
    EXPECT_EQ(sequence.tokens().size(), 140U);
}

INSTANTIATE_TEST_SUITE_P(Families, TruncatedOf, ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2"),
                         [](const auto & info) { return std::string(info.param); });

}  // namespace
}  // namespace snapkv
