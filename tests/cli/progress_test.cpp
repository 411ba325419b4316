// The line that is drawn over and over, and what a terminal is asked and sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "folder.h"
#include "process.h"
#include "progress.h"
#include "screen.h"

namespace snapkv::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Screen, CountsColumnsNotBytes) {
    EXPECT_EQ(columns_taken("layer 3"), 7U);
    EXPECT_EQ(columns_taken("caf\u00E9"), 4U);
    EXPECT_EQ(columns_taken("cafe\u0301"), 4U);
    EXPECT_EQ(columns_taken("\u7070\u8272"), 4U);
    EXPECT_EQ(columns_taken("\x1b[2J"), 4U);
    EXPECT_EQ(cut_to_columns("\u7070\u8272\u7070", 5), "\u7070\u8272");
    EXPECT_EQ(cut_to_columns("cafe\u0301 au lait", 4), "cafe\u0301");
    EXPECT_EQ(cut_to_columns("a\x1b\n\xFF"
                             "b",
                             9),
              "a\uFFFD\uFFFD\uFFFDb");
    EXPECT_EQ(cut_to_columns("text", 0), "");
}

TEST(Progress, FitsAnyWidth) {
    const Progress progress{"prefill", 0.42, {"12 s left", "989 tok/s", "layer 3/30", "\u7070\u8272 of 3,898"}};
    for (std::size_t columns = 0; columns <= 200; ++columns) {
        EXPECT_LE(columns_taken(progress_text(progress, columns)), columns);
    }
    EXPECT_EQ(progress_text(progress, 39), "prefill  42%  12 s left  989 tok/s");
    EXPECT_EQ(progress_text(progress, 79),
              "prefill [####      ]  42%  12 s left  989 tok/s  layer 3/30  \u7070\u8272 of 3,898");
    EXPECT_EQ(progress_text(progress, 199),
              "prefill [############                  ]  42%  12 s left  989 tok/s  layer 3/30  \u7070\u8272 of 3,898");
    EXPECT_EQ(progress_text(progress, 9), "prefill  ");
}

TEST(Progress, TakesAnyShare) {
    EXPECT_EQ(progress_text({"", 7, {}}, 20), "[##########] 100%");
    EXPECT_EQ(progress_text({"", -1, {}}, 20), "[          ]   0%");
}

/// What was drawn, one text a drawing.
std::vector<std::string> drawings(const std::string & terminal) {
    const std::string erase = "\r\x1b[K";
    std::vector<std::string> list;
    for (std::size_t at = terminal.find(erase); at != std::string::npos;) {
        const std::size_t begin = at + erase.size();
        at = terminal.find(erase, begin);
        if (at != std::string::npos) {
            list.push_back(terminal.substr(begin, at - begin));
        }
    }
    return list;
}

class OnATerminal : public testing::Test {
protected:
    OnATerminal() {
        for (int i = 0; i < 45; ++i) {
            text_ += "The boat came on day " + std::to_string(i) + " with oil, and left with the mail. ";
        }
        EXPECT_EQ(test::run_snapkv({"make-model", "-o", model_, "--layers", "8"}).status, 0);
    }
    [[nodiscard]] test::Outcome prefill(const test::Terminal & terminal) const {
        test::Outcome outcome = test::run_snapkv_on_terminal(
            {"run", "-m", model_, "-t", "1", "--raw", "-n", "0", "-p", text_, "--products", "stored"}, terminal);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return outcome;
    }

    test::Folder folder_;
    std::string model_ = folder_.file("tiny.gguf");
    std::string text_;
};

TEST_F(OnATerminal, ProgressFitsItsColumns) {
    for (const unsigned short columns : std::initializer_list<unsigned short>{40, 80, 200, 0}) {
        const std::vector<std::string> drawn = drawings(prefill({.columns = columns}).err);
        ASSERT_FALSE(drawn.empty()) << columns;
        for (const std::string & each : drawn) {
            EXPECT_LT(columns_taken(each), columns == 0 ? 80U : columns) << each;
            EXPECT_THAT(each, HasSubstr("left"));
            EXPECT_THAT(each, Not(HasSubstr("\n")));
        }
    }
}

TEST_F(OnATerminal, ProgressFollowsItsColumns) {
    const std::vector<std::string> drawn = drawings(prefill({.columns = 200, .later_columns = 40}).err);
    ASSERT_GE(drawn.size(), 3U);
    EXPECT_GE(columns_taken(drawn.front()), 40U);
    EXPECT_LT(columns_taken(drawn.back()), 40U);
}

TEST_F(OnATerminal, NothingIsDrawnWhereNothingCanBeErased) {
    for (const char * type : {"dumb", ""}) {
        const test::Outcome outcome = prefill({.type = type});
        EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b"))) << type;
        EXPECT_THAT(outcome.err, HasSubstr("to prefill"));
    }
}

TEST_F(OnATerminal, ShowHasColoursUnlessToldOtherwise) {
    const auto shown = [&](const test::Terminal & terminal) {
        return test::run_snapkv_on_terminal({"show", "-m", model_, "-t", "1", "--raw", "-p", text_}, terminal).err;
    };
    EXPECT_THAT(shown({.output_too = true}), HasSubstr("\x1b[38;5;16;48;5;"));
    EXPECT_THAT(shown({.no_color = true, .output_too = true}), Not(HasSubstr("\x1b[38")));
    for (const char * type : {"dumb", ""}) {
        EXPECT_THAT(shown({.type = type, .output_too = true}), Not(HasSubstr("\x1b"))) << type;
    }
}

}  // namespace
}  // namespace snapkv::cli
