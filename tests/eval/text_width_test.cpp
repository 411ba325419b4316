// Widths from the advances of DejaVu Sans 2.37 as its font file states them: 'i' 569, 'W' 2025, '0' 1303 of 2048 units.
#include "eval/text_width.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(TextWidth, IsTheFontsOwn) {
    EXPECT_NEAR(text_width("i", 1000), 569 / 2.048, 1);
    EXPECT_NEAR(text_width("W", 1000), 2025 / 2.048, 1);
    EXPECT_NEAR(text_width("00", 1000), 2 * 1303 / 2.048, 1);
    EXPECT_EQ(text_width("", 13), 0);
    EXPECT_GT(text_width("word", 13, true), text_width("word", 13));
    EXPECT_EQ(text_width("e\u0301", 13), text_width("e", 13));
}

TEST(TextWidth, LongTextLosesItsMiddle) {
    EXPECT_EQ(fit_text("short", 12, 100), "short");
    const std::string name = "snapkv, budget 1024, window 16, kernel 5, max";
    const std::string fitted = fit_text(name, 12, 150);
    EXPECT_LE(text_width(fitted, 12), 150);
    EXPECT_GT(text_width(fitted, 12), 130);
    EXPECT_TRUE(fitted.starts_with("snapkv, b")) << fitted;
    EXPECT_TRUE(fitted.ends_with("l 5, max")) << fitted;
    EXPECT_NE(fitted.find("\u2026"), std::string::npos);
    EXPECT_EQ(fit_text("\u20AC\u20AC\u20AC\u20AC", 12, 1), "\u20AC\u2026");
}

TEST(TextWidth, BreaksAtSpaces) {
    // Zeros are 6.36 wide at 10 pixels, spaces 3.18: seven and a space are 47.7.
    EXPECT_THAT(wrap_text("000 0000 000 0000", 10, 48, 3), ElementsAre("000 0000", "000 0000"));
    EXPECT_THAT(wrap_text("000 0000 000 0000", 10, 47, 4), ElementsAre("000", "0000", "000", "0000"));
    EXPECT_THAT(wrap_text(" a\n b ", 10, 100, 2), ElementsAre("a b"));
    EXPECT_THAT(wrap_text("", 10, 100, 2), IsEmpty());
    const auto lines = wrap_text("000 0000 000 0000 000", 10, 48, 2);
    ASSERT_THAT(lines, SizeIs(2));
    EXPECT_NE(lines[1].find("\u2026"), std::string::npos);
    EXPECT_LE(text_width(lines[1], 10), 48);
}

}  // namespace
}  // namespace snapkv::eval
