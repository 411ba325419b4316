#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/stream.h"

namespace snapkv::text {
namespace {

struct Outcome {
    std::string text;
    bool stopped = false;
    bool operator==(const Outcome &) const = default;
};

Outcome feed(const std::vector<std::string> & strings, const std::vector<std::string> & parts) {
    StopStrings stop(strings);
    Outcome outcome;
    for (const std::string & part : parts) {
        const StopStrings::Result result = stop.push(part);
        outcome.text += result.text;
        if (result.stopped) {
            outcome.stopped = true;
            return outcome;
        }
    }
    outcome.text += stop.finish();
    return outcome;
}

std::vector<std::string> bytes_of(const std::string & text) {
    std::vector<std::string> parts;
    for (const char byte : text) {
        parts.emplace_back(1, byte);
    }
    return parts;
}

struct Case {
    std::vector<std::string> strings;
    std::string text;
    Outcome expected;
};

TEST(StopStrings, StopsBeforeTheStringHoweverTheTextIsSplit) {
    const Case cases[] = {
        {{"END"}, "one END two", {"one ", true}},
        {{"END"}, "one EN two", {"one EN two", false}},
        {{"END"}, "EENEND", {"EEN", true}},
        {{"END"}, "ends in EN", {"ends in EN", false}},
        {{"aab"}, "aaab", {"a", true}},
        {{"abab"}, "abaabab", {"aba", true}},
        {{"abcd", "bc"}, "xabcd", {"xa", true}},
        {{"abc", "bcd"}, "abcd", {"", true}},
        {{"bc", "abc"}, "xabc", {"x", true}},
        {{"abcde", "cx"}, "abcdcx", {"abcd", true}},
        {{"\n\n", "User:"}, "a\nUser\nUser:", {"a\nUser\n", true}},
        {{"\u20ac"}, "\u20ad\u20ac", {"\u20ad", true}},
        {{"", "stop"}, "a stop", {"a ", true}},
        {{""}, "never", {"never", false}},
        {{}, "never", {"never", false}},
    };
    for (const Case & c : cases) {
        EXPECT_EQ(feed(c.strings, {c.text}), c.expected) << c.text;
        EXPECT_EQ(feed(c.strings, bytes_of(c.text)), c.expected) << c.text;
        for (std::size_t i = 0; i <= c.text.size(); ++i) {
            EXPECT_EQ(feed(c.strings, {c.text.substr(0, i), c.text.substr(i)}), c.expected) << c.text << " at " << i;
        }
    }
}

TEST(StopStrings, HoldsBackNoMoreThanABeginning) {
    StopStrings stop({"STOP", "TOPS"});
    EXPECT_EQ(stop.push("abc").text, "abc");
    EXPECT_EQ(stop.push("xST").text, "x");
    EXPECT_EQ(stop.push("A").text, "STA");
    EXPECT_EQ(stop.push("ST").text, "");
    EXPECT_EQ(stop.push("OX").text, "STOX");
    EXPECT_EQ(stop.push("TO").text, "");
    EXPECT_EQ(stop.finish(), "TO");
    EXPECT_EQ(stop.finish(), "");
}

}  // namespace
}  // namespace snapkv::text
