#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "text/stream.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

const std::string mark = "\xEF\xBF\xBD";

std::string push_bytewise(std::string_view bytes) {
    Utf8Stream stream;
    std::string text;
    for (const char byte : bytes) {
        text += stream.push(std::string_view(&byte, 1));
        EXPECT_EQ(find_invalid_utf8(text), std::string::npos);
    }
    return text + stream.finish();
}

std::string push_whole(std::string_view bytes) {
    Utf8Stream stream;
    std::string text = stream.push(bytes);
    return text + stream.finish();
}

TEST(Utf8Stream, GivesTheSameTextForEverySplit) {
    const std::string text = "a\u00e9\u20ac\U0001F600z\u07ff\u0800\uffff\U0010ffff";
    for (std::size_t i = 0; i <= text.size(); ++i) {
        for (std::size_t j = i; j <= text.size(); ++j) {
            Utf8Stream stream;
            std::string out;
            for (const std::string & part : {text.substr(0, i), text.substr(i, j - i), text.substr(j)}) {
                const std::string shown = stream.push(part);
                EXPECT_EQ(find_invalid_utf8(shown), std::string::npos);
                out += shown;
            }
            EXPECT_EQ(stream.finish(), "");
            EXPECT_EQ(out, text) << i << ' ' << j;
        }
    }
}

TEST(Utf8Stream, HoldsBackOnlyTheUnfinishedCharacter) {
    Utf8Stream stream;
    EXPECT_EQ(stream.push("ab\xE2\x82"), "ab");
    EXPECT_EQ(stream.push("\xAC"), "\u20ac");
    EXPECT_EQ(stream.push("\xF0\x9F\x98"), "");
    EXPECT_EQ(stream.finish(), mark);
    EXPECT_EQ(stream.finish(), "");
    EXPECT_EQ(stream.push("c"), "c");
}

struct IllFormed {
    const char * name;
    std::string bytes;
    std::string text;
};

TEST(Utf8Stream, ReplacesEachMaximalIllFormedPart) {
    const IllFormed cases[] = {
        {"continuation byte", "a\x80z", "a" + mark + "z"},
        {"two continuation bytes", "\x80\xBF", mark + mark},
        {"overlong solidus", "\xC0\xAF", mark + mark},
        {"overlong in three bytes", "\xE0\x9F\xBF", mark + mark + mark},
        {"overlong in four bytes", "\xF0\x8F\xBF\xBF", mark + mark + mark + mark},
        {"first surrogate", "\xED\xA0\x80", mark + mark + mark},
        {"last surrogate", "\xED\xBF\xBF", mark + mark + mark},
        {"beyond U+10FFFF", "\xF4\x90\x80\x80", mark + mark + mark + mark},
        {"bytes that never occur", "\xFE\xFF\xF5", mark + mark + mark},
        {"cut by a letter", "\xE2\x82z", mark + "z"},
        {"cut by another character", "\xF0\x9F\x98\xE2\x82\xAC", mark + "\u20ac"},
        {"cut at the end", "ok\xF0\x9F", "ok" + mark},
        // The example of the Unicode standard, table 3-8.
        {"mixed", "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
         "a" + mark + mark + mark + "b" + mark + "c" + mark + mark + "d"},
    };
    for (const IllFormed & c : cases) {
        EXPECT_EQ(push_whole(c.bytes), c.text) << c.name;
        EXPECT_EQ(push_bytewise(c.bytes), c.text) << c.name;
    }
}

TEST(Utf8Stream, PassesZeroBytes) {
    const std::string text("a\0b", 3);
    EXPECT_EQ(push_whole(text), text);
}

TEST(FindInvalidUtf8, NamesTheFirstByte) {
    EXPECT_EQ(find_invalid_utf8(""), std::string::npos);
    EXPECT_EQ(find_invalid_utf8("\u20ac"), std::string::npos);
    EXPECT_EQ(find_invalid_utf8("\u20ac\xE2\x82"), 3U);
    EXPECT_EQ(find_invalid_utf8("ab\xFFz"), 2U);
}

}  // namespace
}  // namespace snapkv::text
