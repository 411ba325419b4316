#include "eval/svg_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xml_reader.h"

namespace snapkv::eval {
namespace {

using ::testing::HasSubstr;

TEST(SvgPage, EveryRuleAndIdBeginsWithTheOwnOne) {
    SvgPage page("needle");
    page.rule("line", "stroke:#000", "stroke:#fff");
    page.add(fmt::format("<path {} d=\"M0 0\"/>\n", page.look("line")));
    const std::string svg = page.finish(100, 50, "a <label>");
    expect_sound_svg(svg);
    EXPECT_THAT(svg, HasSubstr("\n.needle-line{stroke:#000}\n"));
    EXPECT_EQ(elements(svg, "path").front().attributes.at("class"), "needle-line");
    EXPECT_EQ(page.name("hatch"), "needle-hatch");
    EXPECT_EQ(elements(svg, "svg").front().attributes.at("id"), "needle");
    EXPECT_EQ(elements(svg, "svg").front().attributes.at("aria-label"), "a <label>");
    EXPECT_EQ(elements(svg, "svg").front().attributes.at("viewBox"), "0 0 100 50");
    // What is dark comes after what is light, and not on paper.
    const std::string style = elements(svg, "style").front().text;
    EXPECT_LT(style.find("stroke:#000"), style.find("@media screen and (prefers-color-scheme:dark)"));
    EXPECT_GT(style.find("stroke:#fff"), style.find("@media screen and (prefers-color-scheme:dark)"));
}

TEST(SvgPage, AnyIdBecomesAnIdentifierOfItsOwn) {
    EXPECT_EQ(SvgPage("a-1").name("x"), "a-1-x");
    EXPECT_EQ(SvgPage("1").name("x"), "_31-x");
    EXPECT_EQ(SvgPage("").name("x"), "_-x");
    EXPECT_EQ(SvgPage("a b\"").name("x"), "a_20b_22-x");
    EXPECT_NE(SvgPage("a_20b").name("x"), SvgPage("a b").name("x"));
}

TEST(SvgPage, TextIsEscapedAndSaysWhatWasShortened) {
    SvgPage page("p");
    page.text(1.26, 2, "<&\"\x01\xFF", {.size = 12, .anchor = "end", .bold = true, .turn = -90, .full = "whole"});
    page.text(0, 0, "same", {.full = "same"});
    const std::string svg = page.finish(10, 10, "");
    expect_sound_svg(svg);
    const auto texts = elements(svg, "text");
    EXPECT_EQ(texts[0].text, "<&\"\uFFFD\uFFFD");
    EXPECT_EQ(texts[0].attributes.at("transform"), "rotate(-90 1.3 2)");
    const auto titles = elements(svg, "title");
    ASSERT_EQ(titles.size(), 1U);
    EXPECT_EQ(titles[0].text, "whole");
}

TEST(SvgPage, PixelsToATenth) {
    EXPECT_EQ(pixels(3), "3");
    EXPECT_EQ(pixels(-0.04), "0");
    EXPECT_EQ(pixels(2.26), "2.3");
    EXPECT_EQ(pixels(123456.0), "123456");
}

}  // namespace
}  // namespace snapkv::eval
