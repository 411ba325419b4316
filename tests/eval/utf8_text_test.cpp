// Expected bytes by hand from the encoding tables of the Unicode standard.
#include "eval/utf8_text.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

TEST(Utf8Text, DecodesEveryLength) {
    EXPECT_EQ(code_points("aé€😀"), U"aé€😀");
    EXPECT_EQ(code_points(""), U"");
}

TEST(Utf8Text, ReplacesEachIllFormedPartOnce) {
    EXPECT_EQ(code_points("a\xFF\x62"), U"a\uFFFDb");
    EXPECT_EQ(code_points("\xE2\x82"), U"\uFFFD");                  // cut off
    EXPECT_EQ(code_points("\xE2\x82\x41"), U"\uFFFDA");             // broken off
    EXPECT_EQ(code_points("\xC0\x80"), U"\uFFFD\uFFFD");            // overlong
    EXPECT_EQ(code_points("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");  // a surrogate
    EXPECT_EQ(code_points("\xF4\x90\x80\x80").size(), 4U);          // beyond U+10FFFF
    EXPECT_EQ(code_points("\xE0\x80\x80").size(), 3U);
    EXPECT_EQ(code_points("\xF0\x80\x80\x80").size(), 4U);
}

TEST(Utf8Text, FindsTheFirstIllFormedByte) {
    EXPECT_EQ(find_ill_formed("aé€😀"), std::string_view::npos);
    EXPECT_EQ(find_ill_formed("é\x80"), 2U);
    EXPECT_EQ(find_ill_formed("abc\xE2\x82"), 3U);
}

TEST(Utf8Text, KeepsWhatIsValidAndReplacesTheRest) {
    EXPECT_EQ(valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(valid_utf8("\xFFz"), "\xEF\xBF\xBDz");
    EXPECT_EQ(valid_utf8("\xC3"), "\xEF\xBF\xBD");
    EXPECT_EQ(valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8Text, CharactersThereAndBack) {
    const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    EXPECT_EQ(code_points(text), U"a\u00E9\u20AC\U0001F600");
    EXPECT_EQ(to_utf8(code_points(text)), text);
    EXPECT_EQ(code_points("x\xFFy"), U"x\uFFFDy");
}

TEST(Utf8Text, MarkupIsEscapedAndWhatXmlForbidsReplaced) {
    EXPECT_EQ(escape_markup("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    EXPECT_EQ(escape_markup("a\tb\n\u20AC"), "a\tb\n\u20AC");
    EXPECT_EQ(escape_markup(std::string_view("\0\x1B[1m", 5)), "\uFFFD\uFFFD[1m");
    EXPECT_EQ(escape_markup("\xEF\xBF\xBE\xFF"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace snapkv::eval
