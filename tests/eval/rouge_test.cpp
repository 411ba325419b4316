#include "eval/rouge.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

/// The package's F1 with its 1e-8 in the divisor.
double f1(double precision, double recall) {
    return 2 * precision * recall / (precision + recall + 1e-8);
}

TEST(Rouge, EqualTextsScoreALittleLessThanOne) {
    EXPECT_DOUBLE_EQ(rouge_1("the cat", "the cat"), 2 / (2 + 1e-8));
    EXPECT_DOUBLE_EQ(rouge_l("the cat", "the cat"), 2 / (2 + 1e-8));
    EXPECT_LT(rouge_l("the cat", "the cat"), 1);
}

TEST(Rouge, CountsAWordOnce) {
    EXPECT_DOUBLE_EQ(rouge_1("the the the cat", "the cat"), f1(1, 1));
    EXPECT_DOUBLE_EQ(rouge_l("cat the the", "the the cat"), f1(0.5, 0.5));  // {the} of {the, cat}
}

TEST(Rouge, LeavesCaseAndPunctuationAlone) {
    EXPECT_DOUBLE_EQ(rouge_1("The cat, sat", "the cat sat"), f1(1.0 / 3, 1.0 / 3));
}

TEST(Rouge, IsZeroForATextWithoutSentences) {
    for (const char * text : {"", ".", "..."}) {
        EXPECT_EQ(rouge_1(text, "cat"), 0) << text;
        EXPECT_EQ(rouge_l(text, "cat"), 0) << text;
        EXPECT_EQ(rouge_1("cat", text), 0) << text;
        EXPECT_EQ(rouge_l("cat", text), 0) << text;
    }
}

TEST(Rouge, TakesABlankSentenceForAnEmptyWord) {
    EXPECT_DOUBLE_EQ(rouge_l(" ", "\n"), f1(1, 1));
    EXPECT_EQ(rouge_l(" ", "cat"), 0);
    EXPECT_DOUBLE_EQ(rouge_l("a b. ", "a b."), f1(2.0 / 3, 1));  // a, b and the empty word against a, b
    EXPECT_DOUBLE_EQ(rouge_1("a b. ", "a b."), f1(2.0 / 3, 1));
}

TEST(Rouge, EndsASentenceAtEveryFullStop) {
    EXPECT_DOUBLE_EQ(rouge_1("3.5 km", "3 5 km"), f1(1, 1));
    EXPECT_DOUBLE_EQ(rouge_l("3.5 km", "3 5 km"), f1(1, 1));  // {3} from one sentence, {5, km} from the other
}

TEST(Rouge, LooksForOrderWithinSentencesOnly) {
    EXPECT_DOUBLE_EQ(rouge_l("c d.a b", "a b.c d"), f1(1, 1));
    EXPECT_DOUBLE_EQ(rouge_l("c d a b", "a b c d"), f1(0.5, 0.5));
}

// "a b" and "b a" share either a or b. The package keeps b, so that the second sentence's a is new.
TEST(Rouge, DropsAWordOfThePredictionWhereBothWaysAreAsLong) {
    EXPECT_DOUBLE_EQ(rouge_l("b a.a x", "a b"), f1(2.0 / 3, 1));
}

TEST(Rouge, UnitesTheSubsequencesOfAllSentences) {
    // The example of Lin (2004): w1 w2 from the first, w1 w3 w5 from the second; 4 of 5 words; the prediction has 8.
    EXPECT_DOUBLE_EQ(rouge_l("w1 w2 w6 w7 w8.w1 w3 w8 w9 w5", "w1 w2 w3 w4 w5"), f1(4.0 / 8, 4.0 / 5));
}

TEST(Rouge, SplitsAtPythonsBlanks) {
    EXPECT_DOUBLE_EQ(rouge_l("naïve\u00A0chat", "naïve\u3000chat"), f1(1, 1));
    EXPECT_DOUBLE_EQ(rouge_1("naïve\u200Bchat", "naïve chat"), 0);
}

}  // namespace
}  // namespace snapkv::eval
