#include "eval/edit_similarity.h"

#include <gtest/gtest.h>

#include <string>

namespace snapkv::eval {
namespace {

TEST(SequenceRatio, CountsMatchingBlocks) {
    EXPECT_DOUBLE_EQ(sequence_ratio(U"abcd", U"bcde"), 0.75);  // bcd: 2 * 3 / 8; Python's documentation has it too
    EXPECT_DOUBLE_EQ(sequence_ratio(U"abxcd", U"abcd"), 8.0 / 9);
    EXPECT_EQ(sequence_ratio(U"abc", U"xyz"), 0);
}

TEST(SequenceRatio, OfEmptyTexts) {
    EXPECT_EQ(sequence_ratio(U"", U""), 1);
    EXPECT_EQ(sequence_ratio(U"", U"a"), 0);
    EXPECT_EQ(sequence_ratio(U"a", U""), 0);
}

// From the documentation of difflib: the blocks depend on the order of the two.
TEST(SequenceRatio, IsNotSymmetric) {
    EXPECT_DOUBLE_EQ(sequence_ratio(U"tide", U"diet"), 0.25);
    EXPECT_DOUBLE_EQ(sequence_ratio(U"diet", U"tide"), 0.5);
}

// Any other pair of the two "ab" on either side would leave nothing that matches beside it.
TEST(SequenceRatio, TakesTheFirstOfSeveralLongestBlocks) {
    EXPECT_DOUBLE_EQ(sequence_ratio(U"abzab", U"abyab"), 0.8);
}

TEST(SequenceRatio, LetsNoFrequentCharacterBeginABlockFromTwoHundredOn) {
    const std::u32string shorter(199, U'a');
    const std::u32string longer(200, U'a');
    EXPECT_DOUBLE_EQ(sequence_ratio(U"b" + shorter, shorter), 398.0 / 399);
    EXPECT_EQ(sequence_ratio(U"b" + longer, longer), 0);
    EXPECT_DOUBLE_EQ(sequence_ratio(longer + U"b", longer), 400.0 / 401);          // grows from the two beginnings
    EXPECT_DOUBLE_EQ(sequence_ratio(U"bx" + longer, U"x" + longer), 402.0 / 403);  // x begins one, which grows
}

TEST(CodeSimilarity, TakesTheFirstLineOfCode) {
    EXPECT_EQ(code_similarity("```python\n# a note\n// another\nx = 1\ny = 2", "x = 1"), 1);
    EXPECT_EQ(code_similarity("\n\nx = 1", "x = 1"), 1);
    EXPECT_EQ(code_similarity("# only\n`notes`", "x"), 0);
    EXPECT_EQ(code_similarity("x = 1  # set", "x = 1"), 0);
}

TEST(CodeSimilarity, OfEmptyLines) {
    EXPECT_EQ(code_similarity("", ""), 1);
    EXPECT_EQ(code_similarity("# note", ""), 1);
    EXPECT_EQ(code_similarity("", "x"), 0);
    EXPECT_EQ(code_similarity("x", ""), 0);
    EXPECT_EQ(code_similarity("# note\n\nx", "x"), 0);  // the empty line comes first
}

TEST(CodeSimilarity, RoundsToAWholePercentAndAHalfToTheEvenOne) {
    EXPECT_DOUBLE_EQ(code_similarity("abc", "abd"), 0.67);            // 4 / 6
    EXPECT_DOUBLE_EQ(code_similarity("abcdefgh", "a1234567"), 0.12);  // 2 / 16
    EXPECT_DOUBLE_EQ(code_similarity("abcdefgh", "abc12345"), 0.38);  // 6 / 16
}

TEST(CodeSimilarity, ComparesCodePoints) {
    EXPECT_DOUBLE_EQ(code_similarity("né", "nè"), 0.5);
}

}  // namespace
}  // namespace snapkv::eval
