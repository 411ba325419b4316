#include "run/text_marks.h"

#include <gtest/gtest.h>

#include <string>

#include "text/vocabularies.h"

namespace snapkv::run {
namespace {

/// The text with a bar before each word and a dollar sign behind each token that ends a line or a sentence.
std::string marked(const std::string & vocabulary, const std::string & text, bool special = false) {
    const text::Vocabulary & tokenizer = snapkv::test::vocabulary(vocabulary);
    const std::vector<text::Token> tokens = tokenizer.tokenize(text, false, special);
    const std::vector<select::Mark> marks = text_marks(tokenizer, tokens);
    std::string out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        out += (marks[i].begins_word ? "|" : "") + tokenizer.piece(tokens[i], true) + (marks[i].ends_line ? "$" : "");
    }
    return out;
}

TEST(TextMarks, FindWordsAndTheEndsOfLinesAndSentences) {
    for (const std::string vocabulary : {"gpt-2", "qwen2", "llama-bpe"}) {
        SCOPED_TRACE(vocabulary);
        EXPECT_EQ(marked(vocabulary, "The code is 8f14e45f-ceea. Really? Yes"),
                  "|The| code| is| 8f14e45f-ceea.$| Really?$| Yes");
        EXPECT_EQ(marked(vocabulary, "pi is 3.14 or so"), "|pi| is| 3.14| or| so") << "no end within a number";
        EXPECT_EQ(marked(vocabulary, "the end."), "|the| end.$");
    }
    EXPECT_EQ(marked("llama-spm", "The code is 8f14e45f."), "| The| code| is| 8f14e45f.$");
    EXPECT_EQ(marked("qwen2", "one\ntwo"), "|one|\n$|two");
    EXPECT_EQ(marked("qwen2", "one\n    two"), "|one|\n$|    two") << "blanks belong to what follows";
}

TEST(TextMarks, TakeEachTokenOfChineseAndEachControlTokenForAWord) {
    const text::Vocabulary & qwen = snapkv::test::vocabulary("qwen2");
    const std::vector<text::Token> chinese =
        qwen.tokenize("\xE6\x9C\xBA\xE5\x99\xA8\xE5\xAD\xA6\xE4\xB9\xA0\xE3\x80\x82", false, false);
    const std::vector<select::Mark> marks = text_marks(qwen, chinese);
    ASSERT_GT(chinese.size(), 1U);
    for (const select::Mark & mark : marks) {
        EXPECT_TRUE(mark.begins_word);
    }
    EXPECT_TRUE(marks.back().ends_line);
    EXPECT_EQ(marked("qwen2", "<|im_start|>user", true), "|<|im_start|>|user");
}

TEST(TextMarks, OfNoTextAreNone) {
    EXPECT_TRUE(text_marks(snapkv::test::vocabulary("gpt-2"), {}).empty());
}

}  // namespace
}  // namespace snapkv::run
