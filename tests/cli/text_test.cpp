// The parts that turn numbers and tokens into text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cells.h"
#include "format.h"
#include "html.h"
#include "needs.h"
#include "progress.h"
#include "support/positions.h"
#include "terminal.h"

namespace snapkv::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Format, NumbersAsPeopleReadThem) {
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1536), "1.5 KiB");
    EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.0 MiB");
    EXPECT_EQ(bytes_text(std::uint64_t{5} << 30U), "5.0 GiB");
    EXPECT_EQ(count_text(999), "999");
    EXPECT_EQ(count_text(1234567), "1,234,567");
    EXPECT_EQ(count_text(1000005), "1,000,005");
    EXPECT_EQ(count_text(1, "token"), "1 token");
    EXPECT_EQ(count_text(0, "token"), "0 tokens");
    EXPECT_EQ(seconds_text(0.44), "0.4 s");
    EXPECT_EQ(seconds_text(59.6), "1 min 00 s");
    EXPECT_EQ(seconds_text(3725), "1 h 02 min");
    EXPECT_EQ(rate_text(1234.5), "1,234 tok/s");
    EXPECT_EQ(per_second(10, 0), 0);
    EXPECT_EQ(per_second(10, 2000), 5);
}

TEST(Progress, LineNamesTokensLayersRateAndTimeLeft) {
    CallProgress progress;
    progress.done = 1500;
    progress.total = 3000;
    progress.layer = 15;
    progress.layers = 30;
    progress.tokens = 1000;
    progress.seconds = 2;
    progress.seconds_left = 2;
    EXPECT_EQ(progress_text(prefill_state(progress), 100),
              "prefill [###############               ]  50%  2.0 s left  250 tok/s  layer 15/30  1,000 tokens");
}

TEST(Progress, LineOfATurnNamesItsTokens) {
    const CallProgress progress{.done = 512, .total = 2048, .seconds = 4, .seconds_left = 12};
    EXPECT_EQ(progress_text(turn_state(progress), 80),
              "turn [#######                       ]  25%  12 s left  128 tok/s  2,048 tokens");
}

TEST(Cells, JoinTokensThatOnlyTogetherAreCharacters) {
    const std::vector<Cell> cells = make_cells({"a", "\xE2", "\x82", "\xAC", "", "b"}, {1, 2, 5, 3, 9, 0}, 1);
    ASSERT_EQ(cells.size(), 3U);
    EXPECT_EQ(cells[1].text, "\xE2\x82\xAC");
    EXPECT_EQ(cells[1].kept, 5U);
    EXPECT_FALSE(cells[1].window);
    EXPECT_EQ(cells[2].text, "b");
    EXPECT_EQ(cells[2].kept, 0U);
    EXPECT_TRUE(cells[2].window);
}

TEST(Cells, HoldWholeCharactersAtTheWindowsEdge) {
    const std::vector<Cell> cells = make_cells({"a", "\xF0\x9F", "\x98", "\x80 b", "c"}, {1, 2, 7, 3, 0}, 2);
    ASSERT_EQ(cells.size(), 3U);
    EXPECT_EQ(cells[1].text, "\U0001F600 b");
    EXPECT_EQ(cells[1].kept, 7U);
    EXPECT_TRUE(cells[1].window);
    EXPECT_FALSE(cells[0].window);
    const std::string coloured = coloured_text({cells, 10}) + marked_text({cells, 10});
    EXPECT_EQ(coloured.find("\uFFFD"), std::string::npos);
}

TEST(Cells, CountAndShade) {
    using snapkv::test::positions;
    const KeptPositions kept{{positions({0, 2}), positions({2})}, {positions({2}), positions({1, 2, 9})}};
    EXPECT_EQ(keep_counts(kept, 3), (std::vector<std::uint32_t>{1, 1, 4}));
    EXPECT_EQ(shade(0, 90, 5), 0U);
    EXPECT_EQ(shade(1, 90, 5), 1U);
    EXPECT_EQ(shade(18, 90, 5), 1U);
    EXPECT_EQ(shade(19, 90, 5), 2U);
    EXPECT_EQ(shade(90, 90, 5), 5U);
}

ShownPrompt sample() {
    return {{{"no", 0, false}, {"few", 1, false}, {"all\n", 10, false}, {"\x1B[31m<b>&", 10, true}}, 10};
}

TEST(Terminal, MarksWithoutColours) {
    EXPECT_THAT(marked_text(sample()), ::testing::StartsWith("no[1|few][5|all\n][w|\xEF\xBF\xBD[31m<b>&]\n"));
    EXPECT_THAT(marked_text(sample()), HasSubstr("of the 10 heads"));
}

TEST(Terminal, TheDocumentCannotWriteEscapes) {
    EXPECT_THAT(coloured_text(sample()), Not(HasSubstr("\x1B[31m")));
    EXPECT_THAT(coloured_text({{{"\xC2\x9B"
                                 "31m",
                                 0, false}},
                               1}),
                Not(HasSubstr("\xC2\x9B")));
    EXPECT_THAT(coloured_text(sample()), HasSubstr("48;5;230mfew\x1B[0m"));
    EXPECT_THAT(coloured_text(sample()), HasSubstr("mall\x1B[0m\n"));
}

TEST(Html, EscapesAndTitles) {
    const std::string page = html_page({{"label", "1 < 2"}}, sample());
    EXPECT_THAT(page, HasSubstr("<title>What the cache keeps of the prompt</title>"));
    EXPECT_THAT(page, HasSubstr("<dd>1 &lt; 2</dd>"));
    EXPECT_THAT(page, HasSubstr("title=\"kept by 1 of 10 heads\">few</span>"));
    EXPECT_THAT(page, HasSubstr("class=\"k10 w\" title=\"kept by 10 of 10 heads, in the window\""));
    EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;</span>"));
    EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
    EXPECT_THAT(page, Not(HasSubstr("http")));
}

TEST(Needs, FollowFromTheShape) {
    ModelInfo model;
    model.layers = 30;
    model.attending_layers = 30;
    model.kv_heads = 3;
    model.key_size = 64;
    model.value_size = 64;
    model.width = 576;
    model.attention.assign(model.layers, {});
    const Needs needs = needs_of(model, 8192, CacheConfig{});
    EXPECT_EQ(needs.hidden, 8192U * 576 * 4);
    EXPECT_EQ(needs.layer, 8192U * 3 * 128 * 2);
    EXPECT_EQ(needs.kept_full, 8192U * 30 * 3 * 128 * 2);
    EXPECT_EQ(needs.kept_compressed, 1024U * 30 * 3 * 128 * 2);
    EXPECT_EQ(needs.prefill_compressed(), needs.hidden + needs.layer + needs.kept_compressed);
    EXPECT_EQ(needs.prefill_full(), needs.hidden + needs.kept_full);
    EXPECT_EQ(rows_kept({Budget::Unit::Rows, 1024}, 100), 100U);
    model.attention[4].window = 512;
    EXPECT_EQ(needs_of(model, 8192, CacheConfig{}).kept_full, (8192U * 29 + 512) * 3 * 128 * 2);
    EXPECT_EQ(needs_of(model, 8192, CacheConfig{}).kept_compressed, (1024U * 29 + 512) * 3 * 128 * 2);
    EXPECT_EQ(needs_of(model, 100, CacheConfig{}).kept_full, 100U * 30 * 3 * 128 * 2);
    EXPECT_EQ(rows_kept({Budget::Unit::Percent, 10}, 1032), 132U);
}

}  // namespace
}  // namespace snapkv::cli
