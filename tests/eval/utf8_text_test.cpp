// Expected bytes by hand from the encoding tables of the Unicode standard.
#include "eval/utf8_text.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

TEST(Utf8Text, KeepsWhatIsValidAndReplacesTheRest) {
    EXPECT_EQ(valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(valid_utf8("\xFFz"), "\xEF\xBF\xBDz");
    EXPECT_EQ(valid_utf8("\xC3"), "\xEF\xBF\xBD");
    EXPECT_EQ(valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8Text, CharactersThereAndBack) {
    const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    EXPECT_EQ(to_characters(text), U"a\u00E9\u20AC\U0001F600");
    EXPECT_EQ(to_utf8(to_characters(text)), text);
    EXPECT_EQ(to_characters("x\xFFy"), U"x\uFFFDy");
}

TEST(Utf8Text, MarkupIsEscapedAndWhatXmlForbidsReplaced) {
    EXPECT_EQ(escape_markup("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    EXPECT_EQ(escape_markup("a\tb\n\u20AC"), "a\tb\n\u20AC");
    EXPECT_EQ(escape_markup(std::string_view("\0\x1B[1m", 5)), "\uFFFD\uFFFD[1m");
    EXPECT_EQ(escape_markup("\xEF\xBF\xBE\xFF"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace snapkv::eval
