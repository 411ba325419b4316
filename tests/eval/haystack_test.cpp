#include "eval/haystack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Haystack, TakesWordsOfAsManyCopiesAsItNeeds) {
    const Haystack hay("One two.\nThree", "hay.txt");
    EXPECT_EQ(hay.first(0), "");
    EXPECT_EQ(hay.first(2), "One two.");
    EXPECT_EQ(hay.first(3), "One two.\nThree");
    EXPECT_EQ(hay.first(4), "One two.\nThree One");
    EXPECT_EQ(hay.first(9), "One two.\nThree One two.\nThree One two.\nThree");
    for (std::size_t words = 0; words < 20; ++words) {
        EXPECT_EQ(hay.bytes(words), hay.first(words).size());
        EXPECT_EQ(hay.words_within(hay.bytes(words)), words);
    }
}

TEST(Haystack, AddsNoSpaceWhereThereIsOne) {
    EXPECT_EQ(Haystack("  One two.\n", "hay.txt").first(3), "  One two.\n  One");
}

TEST(Haystack, CutsLongWordsBetweenCharacters) {
    std::string chinese;
    for (int i = 0; i < 100; ++i) {
        chinese += "\xE9\x92\x88";  // three bytes
    }
    const Haystack hay(chinese, "hay.txt");
    EXPECT_EQ(hay.words_within(300), 13U);  // 12 words of 24 bytes and one of 12
    for (std::size_t words = 0; words <= 13; ++words) {
        EXPECT_EQ(hay.bytes(words) % 3, 0U);
    }
    EXPECT_EQ(Haystack(std::string(1000, '\x80'), "hay.txt").words_within(1000), 36U);  // no UTF-8: every 28 bytes
}

TEST(Haystack, FindsTheLastFullStop) {
    const Haystack hay("A b. C 3.5 d. E", "hay.txt");
    EXPECT_EQ(hay.sentence_end(0), 0U);
    EXPECT_EQ(hay.sentence_end(3), 0U);
    EXPECT_EQ(hay.sentence_end(4), 4U);
    EXPECT_EQ(hay.sentence_end(12), 4U);
    EXPECT_EQ(hay.sentence_end(13), 13U);
    EXPECT_EQ(hay.sentence_end(15), 13U);
    EXPECT_EQ(hay.sentence_end(16), 13U);  // a new copy begins
    EXPECT_EQ(hay.sentence_end(16 + 5), 20U);
    EXPECT_EQ(hay.sentence_end(32 + 2), 29U);
}

TEST(Haystack, WithoutAFullStopEveryPlaceServes) {
    EXPECT_EQ(Haystack("One two three", "hay.txt").sentence_end(7), 7U);
}

TEST(Haystack, MustHoldAWord) {
    for (const char * text : {"", " \n\t "}) {
        const std::string message = error_of(ErrorKind::Input, [&] { const Haystack hay(text, "hay.txt"); });
        EXPECT_THAT(message, HasSubstr("hay.txt"));
        EXPECT_THAT(message, HasSubstr(std::to_string(std::string(text).size()) + " bytes"));
    }
}

TEST(SingleSpaced, LeavesOneSpaceForEachRun) {
    EXPECT_EQ(single_spaced(" \n a\t\tb \r\n c\n"), "a b c");
    EXPECT_EQ(single_spaced(" "), "");
}

TEST(Sentences, EndAtMarksThatASpaceFollows) {
    EXPECT_THAT(sentences("One. Two 3.5 a.b! \"Three?\" (Four.) five"),
                ElementsAre("One.", "Two 3.5 a.b!", "\"Three?\"", "(Four.)", "five"));
    EXPECT_THAT(sentences("Only one."), ElementsAre("Only one."));
    EXPECT_THAT(sentences(""), ElementsAre());
}

}  // namespace
}  // namespace snapkv::eval
