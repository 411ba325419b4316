#include "eval/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "eval/heat_map.h"
#include "eval/line_chart.h"
#include "eval/stacked_bars.h"
#include "xml_reader.h"

namespace snapkv::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string line(const std::string & id) {
    LineChart chart;
    chart.id = id;
    chart.series.push_back({"s", {{1, 2, {}, {}}, {2, 3, {}, {}}}, true});
    return line_chart_svg(chart);
}

std::string grid(const std::string & id) {
    HeatMap map;
    map.id = id;
    map.columns = {"1"};
    map.rows = {"1"};
    map.values = {1};
    return heat_map_svg(map);
}

std::string stack(const std::string & id) {
    return stacked_bars_svg({id, "t", "c", "v", {"1"}, {"p"}, {{0.5}}, NumberStyle::Percent, 1});
}

Report sample() {
    Report report;
    report.title = "T<i>";
    report.introduction = "First & best.\n\nSecond.";
    report.sections = {{"One", "a < b", {line("one")}, {{{"n"}}, {{"1"}}}, {"small model"}},
                       {"Two", "", {grid("two"), stack("three")}, {}, {}},
                       {"Three", "", {}, {}, {}}};
    report.settings = {{"model", "x.gguf"}, {"hash", "0123<"}};
    return report;
}

TEST(HtmlReport, HoldsEverythingEscapedAndInOrder) {
    const std::string page = html_report(sample());
    std::size_t at = 0;
    for (const char * part :
         {"<!DOCTYPE html>", "<title>T&lt;i&gt;</title>", "<h1>T&lt;i&gt;</h1>", "<p>First &amp; best.</p>",
          "<p>Second.</p>", "<a href=\"#_section1\">One</a>", "<h2>One</h2>", "<p>a &lt; b</p>", "<svg ", "<td>1</td>",
          "<li>small model</li>", "<h2>Two</h2>", "<svg ", "<svg ", "<h2>Three</h2>", "<h2>Settings</h2>",
          "<td>model</td><td>x.gguf</td>", "<td>hash</td><td>0123&lt;</td>", "</html>"}) {
        at = page.find(part, at);
        ASSERT_NE(at, std::string::npos) << part;
    }
    EXPECT_THAT(page, HasSubstr("prefers-color-scheme"));
}

TEST(HtmlReport, NeedsNothingElse) {
    const std::string page = std::regex_replace(html_report(sample()), std::regex("http://www.w3.org/2000/svg"), "");
    EXPECT_THAT(page, Not(HasSubstr("http:")));
    EXPECT_THAT(page, Not(HasSubstr("https:")));
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page, Not(HasSubstr("<link")));
    EXPECT_THAT(page, Not(HasSubstr("src=")));
    EXPECT_THAT(page, Not(HasSubstr("@import")));
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

/// All that matches the first group.
std::multiset<std::string> found(const std::string & text, const std::string & pattern) {
    const std::regex regex(pattern);
    std::multiset<std::string> all;
    for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
        all.insert((*match)[1].str());
    }
    return all;
}

TEST(HtmlReport, PicturesDoNotStyleEachOther) {
    for (const auto & [id, svg] :
         {std::pair<std::string, std::string>{"one", line("one")}, {"two", grid("two")}, {"three", stack("three")}}) {
        const std::string style = elements(svg, "style").front().text;
        for (const std::string & selector : found(style, "(?:^|\\n)([^\\n{]+)\\{")) {
            EXPECT_TRUE(selector.starts_with("." + id + "-") || selector.starts_with("@media")) << selector;
        }
        for (const std::string & used : found(svg, "url\\(#([^)]+)\\)")) {
            EXPECT_TRUE(used.starts_with(id + "-")) << used;
        }
    }
    const std::multiset<std::string> ids = found(html_report(sample()), " id=\"([^\"]+)\"");
    EXPECT_EQ(ids.count("one"), 1U);
    EXPECT_EQ(ids.size(), std::set<std::string>(ids.begin(), ids.end()).size());
}

TEST(HtmlReport, WhatIsEmptyIsLeftOut) {
    const std::string page = html_report({"t", "", {{"only", "", {}, {}, {}}}, {}});
    EXPECT_THAT(page, Not(HasSubstr("<table")));
    EXPECT_THAT(page, Not(HasSubstr("<nav")));
    EXPECT_THAT(page, Not(HasSubstr("<ul")));
    EXPECT_THAT(page, Not(HasSubstr("<p>")));
    EXPECT_THAT(page, Not(HasSubstr("Settings")));
}

}  // namespace
}  // namespace snapkv::eval
