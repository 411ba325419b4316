// Expected texts by hand: GitHub's Markdown, RFC 4180, HTML.
#include "eval/table.h"

#include <gtest/gtest.h>

#include "eval/csv_table.h"
#include "eval/html_table.h"
#include "eval/markdown_table.h"

namespace snapkv::eval {
namespace {

Table scores() {
    return {{{"policy"}, {"score", Align::Right}}, {{"full", "0.5"}, {"snapkv", "10.25"}, {"h2o"}}};
}

Table with_cell(const std::string & cell) {
    return {{{"a"}, {"b"}}, {{cell, "x"}}};
}

TEST(MarkdownTable, ColumnsAreLinedUp) {
    EXPECT_EQ(markdown_table(scores()),
              "| policy | score |\n"
              "| ------ | ----: |\n"
              "| full   |   0.5 |\n"
              "| snapkv | 10.25 |\n"
              "| h2o    |       |\n");
    EXPECT_EQ(markdown_table({}), "");
    EXPECT_EQ(markdown_table({{{"\u00E9"}}, {{"\u4E00b"}}}), "| \u00E9    |\n| ---- |\n| \u4E00b   |\n");
}

TEST(MarkdownTable, WhatMarkdownWouldTakeIsEscaped) {
    const auto cell = [](const std::string & text) {
        const std::string table = markdown_table(with_cell(text));
        const std::size_t begin = table.rfind("\n| ") + 3;
        std::string found = table.substr(begin, table.find(" | x") - begin);
        return found.erase(found.find_last_not_of(' ') + 1);
    };
    EXPECT_EQ(cell("a|b"), "a\\|b");
    EXPECT_EQ(cell("a\nb\r"), "a b");
    EXPECT_EQ(cell("*a* `b` [c] ~d~ \\"), "\\*a\\* \\`b\\` \\[c\\] \\~d\\~ \\\\");
    EXPECT_EQ(cell("<b>&amp;"), "&lt;b&gt;&amp;amp;");
    EXPECT_EQ(cell("q8_0 _x_"), "q8_0 \\_x\\_");
    EXPECT_EQ(cell("\xFF"), "\uFFFD");
}

TEST(CsvTable, QuotesWhatNeedsIt) {
    EXPECT_EQ(csv_table(scores()), "policy,score\nfull,0.5\nsnapkv,10.25\nh2o,\n");
    EXPECT_EQ(csv_table(with_cell("1,5")), "a,b\n\"1,5\",x\n");
    EXPECT_EQ(csv_table(with_cell("say \"so\"")), "a,b\n\"say \"\"so\"\"\",x\n");
    EXPECT_EQ(csv_table(with_cell("two\r\nlines")), "a,b\n\"two\r\nlines\",x\n");
    EXPECT_EQ(csv_table(with_cell(" x")), "a,b\n\" x\",x\n");
    EXPECT_EQ(csv_table(with_cell("\xFF")), "a,b\n\uFFFD,x\n");
    // One empty field would leave an empty line, which readers skip.
    EXPECT_EQ(csv_table({{{"a"}}, {{""}, {"x"}}}), "a\n\"\"\nx\n");
    EXPECT_EQ(csv_table({}), "");
}

TEST(HtmlTable, EscapesAndAligns) {
    EXPECT_EQ(html_table({{{"a<"}, {"n", Align::Right}}, {{"x&", "1"}, {"y"}}}),
              "<table>\n<thead><tr><th>a&lt;</th><th class=\"number\">n</th></tr></thead>\n<tbody>\n"
              "<tr><td>x&amp;</td><td class=\"number\">1</td></tr>\n"
              "<tr><td>y</td><td class=\"number\"></td></tr>\n</tbody>\n</table>\n");
    EXPECT_EQ(html_table({}), "");
}

}  // namespace
}  // namespace snapkv::eval
