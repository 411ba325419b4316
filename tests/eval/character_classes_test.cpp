#include "eval/character_classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What Python 3.11's str.lower gives, but for the last line.
TEST(CharacterClasses, LowersScriptsWithCapitals) {
    EXPECT_EQ(lower(U"ABZ[@`09"), U"abz[@`09");
    EXPECT_EQ(lower(U"ÀÖØÞ×ßÿ"), U"àöøþ×ßÿ");
    EXPECT_EQ(lower(U"ĀĮĲĶĹŇŊŶŸŹŽ"), U"āįĳķĺňŋŷÿźž");
    EXPECT_EQ(lower(U"āıĸŉſ"), U"āıĸŉſ");
    EXPECT_EQ(lower(U"ΆΈΊΌΎΏΑΡΣΫ"), U"άέίόύώαρσϋ");
    EXPECT_EQ(lower(U"ЀЏАЯѠҀҊҾӀӁӍӐԮ"), U"ѐџаяѡҁҋҿӏӂӎӑԯ");
    EXPECT_EQ(lower(U"ԱՖḀẔẞẠỾＡＺ"), U"աֆḁẕßạỿａｚ");
    EXPECT_EQ(lower(U"İ"), U"İ");  // Python: i and a dot above
}

// Python 3.11: str.isspace, string.punctuation, re's \w and \d.
TEST(CharacterClasses, KnowsPythonsClasses) {
    for (const char32_t space :
         std::u32string_view(U"\t\n\v\f\r\x1C\x1F \u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000")) {
        EXPECT_TRUE(is_space(space)) << static_cast<unsigned>(space);
    }
    EXPECT_FALSE(is_space(U'\u200B'));
    EXPECT_FALSE(is_space(U'\x1B'));
    for (const char32_t sign : std::u32string_view(U"!/:@[`{~")) {
        EXPECT_TRUE(is_punctuation(sign));
        EXPECT_FALSE(is_word(sign));
    }
    for (const char32_t other : std::u32string_view(U"09AZaz \u2013")) {
        EXPECT_FALSE(is_punctuation(other));
    }
    for (const char32_t letter : std::u32string_view(U"az09_ªµº²¼éßŁλж中アא१Ａ１½ⅷ")) {
        EXPECT_TRUE(is_word(letter)) << static_cast<unsigned>(letter);
    }
    for (const char32_t sign : std::u32string_view(U"\u00A0«·×÷\u0301–“…€→™≤■★、。・！？（～😀\uFFFD")) {
        EXPECT_FALSE(is_word(sign)) << static_cast<unsigned>(sign);
    }
}

TEST(CharacterClasses, KnowsDigitsOfScripts) {
    EXPECT_EQ(digit_value(U'7'), 7);
    EXPECT_EQ(digit_value(U'٣'), 3);
    EXPECT_EQ(digit_value(U'९'), 9);
    EXPECT_EQ(digit_value(U'０'), 0);
    EXPECT_EQ(digit_value(U'²'), -1);  // a number, but not a decimal digit
    EXPECT_EQ(digit_value(U'/'), -1);
    EXPECT_EQ(digit_value(U':'), -1);
}

TEST(CharacterClasses, SplitsWithoutEmptyParts) {
    EXPECT_THAT(split(U"  a\u00A0 bc\n", is_space), ElementsAre(U"a", U"bc"));
    EXPECT_THAT(split(U" \n", is_space), IsEmpty());
    EXPECT_THAT(split(U"", is_space), IsEmpty());
}

}  // namespace
}  // namespace snapkv::eval
