#include "eval/token_overlap.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

TEST(TokenF1, CountsSharedWords) {
    EXPECT_DOUBLE_EQ(token_f1("Paris", "paris."), 1);
    EXPECT_DOUBLE_EQ(token_f1("The cat sat.", "a cat"), 2.0 / 3);  // cat, sat against cat: precision 1/2, recall 1
    EXPECT_DOUBLE_EQ(token_f1("dog", "cat"), 0);
}

TEST(TokenF1, CountsAWordAsOftenAsBothHaveIt) {
    EXPECT_DOUBLE_EQ(token_f1("cat cat dog", "cat cat cat"), 2.0 / 3);  // 2 of 3 on either side
    EXPECT_DOUBLE_EQ(token_f1("cat cat cat cat", "cat"), 0.4);          // precision 1/4, recall 1
}

TEST(TokenF1, IsZeroWhereNoWordsAreLeft) {
    EXPECT_EQ(token_f1("", ""), 0);
    EXPECT_EQ(token_f1("", "cat"), 0);
    EXPECT_EQ(token_f1("cat", ""), 0);
    EXPECT_EQ(token_f1("?!", "?!"), 0);
    EXPECT_EQ(token_f1("the an a", "The"), 0);
}

TEST(TokenF1, RemovesPunctuationBeforeWordsAreTold) {
    EXPECT_DOUBLE_EQ(token_f1("the U.S.", "US"), 1);
    EXPECT_DOUBLE_EQ(token_f1("well-known", "wellknown"), 1);
    EXPECT_DOUBLE_EQ(token_f1("a_b", "ab"), 1);
    EXPECT_DOUBLE_EQ(token_f1("t.h.e cat", "cat"), 1);  // an article once the full stops are gone
}

TEST(TokenF1, TreatsOtherSignsAsPartsOfWords) {
    EXPECT_EQ(token_f1("“cat”", "cat"), 0);
    EXPECT_DOUBLE_EQ(token_f1("the–cat", "–cat"), 1);  // the dash bounds the article, but stays
    EXPECT_DOUBLE_EQ(token_f1("a\u0301", "\u0301"), 1);
    EXPECT_EQ(token_f1("thé", "th"), 0);
}

TEST(TokenF1, LowersAndSplitsBeyondAscii) {
    EXPECT_DOUBLE_EQ(token_f1("NAÏVE Éclair", "naïve éclair"), 1);
    EXPECT_DOUBLE_EQ(token_f1("ПРИВЕТ\u00A0МИР", "привет мир"), 1);
    EXPECT_DOUBLE_EQ(token_f1("cat\u3000dog", "dog cat"), 1);
    EXPECT_DOUBLE_EQ(token_f1("cat \xFF", "cat"), 2.0 / 3);  // what is no UTF-8 is a word of its own
}

TEST(WordRecall, IsTheShareOfDifferentWords) {
    // 11 different words; sit, in, dolores and park are there.
    EXPECT_DOUBLE_EQ(word_recall("Sit in Dolores Park! Sit!", "eat a sandwich and sit in Dolores Park on a sunny day."),
                     4.0 / 11);
    EXPECT_DOUBLE_EQ(word_recall("b a", "a a a b"), 1);
}

TEST(WordRecall, NeedsWordsOnBothSides) {
    EXPECT_EQ(word_recall("", "cat"), 0);
    EXPECT_EQ(word_recall("cat", ""), 0);
    EXPECT_EQ(word_recall("...", "..."), 0);
    EXPECT_EQ(word_recall("category", "cat"), 0);  // whole words
}

}  // namespace
}  // namespace snapkv::eval
