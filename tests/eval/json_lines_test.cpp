#include "eval/json_lines.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/lines_file.h"

namespace snapkv::eval {
namespace {

using test::LinesFile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// The lines' numbers and their field "a".
std::vector<std::string> read_all(const std::string & bytes, bool skip_broken = false) {
    const LinesFile file(bytes);
    std::vector<std::string> found;
    (void)read_json_lines(file.path(), skip_broken, [&](const JsonRecord & record) {
        found.push_back(std::to_string(record.line()) + record.text("a"));
    });
    return found;
}

/// What reading the text field "a" of every line ends with.
std::string error_for(const std::string & bytes) {
    return LinesFile(bytes).error_of([](const std::string & path) {
        return read_json_lines(path, false, [](const JsonRecord & record) { (void)record.text("a"); });
    });
}

TEST(JsonLines, ReadsEveryLine) {
    EXPECT_THAT(read_all("{\"a\": \"x\"}\n{\"a\": \"é\\n\"}\n"), ElementsAre("1x", "2é\n"));
}

TEST(JsonLines, ReadsOtherLineEndsAndBlankLines) {
    EXPECT_THAT(read_all("{\"a\": \"x\"}\r\n\r\n  \n{\"a\": \"y\"}"), ElementsAre("1x", "4y"));
    EXPECT_THAT(read_all("\xEF\xBB\xBF{\"a\": \"x\"}"), ElementsAre("1x"));  // a byte order mark
}

TEST(JsonLines, NamesFileAndLineOfWhatIsNoObject) {
    const std::string good = "{\"a\": \"x\"}\n";
    EXPECT_EQ(error_for(good + "[1]\n"), ":2: found a list, expected an object");
    EXPECT_EQ(error_for("12\n"), ":1: found 12, expected an object");
    EXPECT_EQ(error_for("null\n"), ":1: found null, expected an object");
    EXPECT_EQ(error_for("\"a\\nb\"\n"), ":1: found \"a\\nb\", expected an object");
}

TEST(JsonLines, NamesTheByteOfWhatIsNoJson) {
    EXPECT_EQ(error_for("{\"a\": \"x\"\n"), ":1: found the end of the line at byte 10, expected a JSON object");
    EXPECT_EQ(error_for("{\"a\": \"x"), ":1: found the end of the line at byte 9, expected a JSON object");
    EXPECT_EQ(error_for("{\"a\" x}"), ":1: found \"x}\" at byte 6, expected a JSON object");
    EXPECT_EQ(error_for("{\"a\": \"x\"} {\"a\": 1}"),
              ":1: found \"{\\\"a\\\": 1}\" at byte 12, expected a JSON object");
    EXPECT_EQ(error_for("{\"a\": \"x\", \"b\": 1e999}"), ":1: a number is out of range");
    EXPECT_EQ(error_for("{\"a\": \"\\ud800\"}"),
              ":1: byte 14 of the line: invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF");
    EXPECT_EQ(error_for("{\"a\": \"\\udc00 x\"}"),
              ":1: byte 13 of the line: invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF");
    EXPECT_THAT(error_for("{\"a\": \"\\q\"}"),
                HasSubstr(":1: byte 9 of the line: invalid string: forbidden character"));
    EXPECT_THAT(error_for("{\"a\": 1.x}"), HasSubstr(":1: byte 9 of the line: invalid number"));
    EXPECT_THAT(error_for(std::string("{\"a\": \0}", 8)),
                HasSubstr(": binary data, not text (a NUL byte at offset 6)"));
}

TEST(JsonLines, AReadThatFailsIsNoEnd) {
    for (const std::string path : {"/", "/proc/self/mem"}) {
        EXPECT_THAT(snapkv::test::error_of(ErrorKind::Input,
                                           [&] { (void)read_json_lines(path, true, [](const JsonRecord &) {}); }),
                    testing::StartsWith(path + ": cannot be read: "));
    }
}

TEST(JsonLines, NamesTheByteThatIsNoUtf8) {
    EXPECT_EQ(error_for("{\"a\": \"\xFF\"}"), ":1: byte 8 of the line is not UTF-8");
    EXPECT_EQ(error_for("{\"a\": \"\xC3\"}"), ":1: byte 8 of the line is not UTF-8");
}

TEST(JsonLines, QuotesLittleOfALongLine) {
    EXPECT_EQ(error_for(fmt::format("{{{:x<100000}", "")),
              fmt::format(":1: found \"{:x<40}\"... at byte 2, expected a JSON object", ""));
    EXPECT_THAT(error_for(fmt::format("{{\"a\": \"{:x<100000}", "")), SizeIs(testing::Lt(100U)));
}

TEST(JsonLines, RefusesGiantNesting) {
    EXPECT_EQ(error_for(fmt::format("{{\"a\": {:[<1000000}", "")), ":1: nested more than 32 levels deep");
    EXPECT_EQ(error_for(fmt::format("{{\"a\": \"x\", \"b\": {:[<1000000}{:]<1000000}}}", "", "")),
              ":1: nested more than 32 levels deep");
    EXPECT_THAT(read_all(fmt::format("{{\"a\": \"x\", \"b\": {:[<31}{:]<31}}}", "", "")), ElementsAre("1x"));
}

TEST(JsonLines, RefusesFilesWithoutLines) {
    EXPECT_EQ(error_for(""), ": contains no lines; expected one JSON object per line");
    EXPECT_EQ(error_for("\n \r\n"), ": contains no lines; expected one JSON object per line");
}

TEST(JsonLines, RefusesWhatCannotBeRead) {
    const auto read = [](const std::filesystem::path & path) {
        return snapkv::test::error_of(ErrorKind::Input,
                                      [&] { (void)read_json_lines(path, true, [](const auto &) {}); });
    };
    const cli::test::Folder folder;
    EXPECT_EQ(read(folder.file("absent")), folder.file("absent") + ": cannot be opened: No such file or directory");
    EXPECT_THAT(read(std::filesystem::path(folder.file("absent")).parent_path()), HasSubstr("cannot be read"));
    const std::string packed = folder.write("qasper.jsonl", "\x1F\x8B\x08 packed");
    EXPECT_EQ(read(packed), packed + ": gzip data, not text (unpack it with gunzip)");
}

TEST(JsonLines, SkipsBrokenLinesWhereAsked) {
    const LinesFile file("{\"a\": \"x\"}\nbroken\n{\"b\": 1}\n{\"a\": \"y\"}\n");
    std::vector<std::string> found;
    const std::vector<std::string> skipped =
        read_json_lines(file.path(), true, [&](const JsonRecord & record) { found.push_back(record.text("a")); });
    EXPECT_THAT(found, ElementsAre("x", "y"));
    EXPECT_THAT(skipped, ElementsAre(file.path() + ":2: found \"broken\" at byte 1, expected a JSON object",
                                     file.path() + ":3: the field \"a\" is missing"));
    EXPECT_THAT(read_json_lines(file.path(), true, [](const JsonRecord &) {}), SizeIs(1));
}

TEST(JsonLines, RefusesFilesOfBrokenLinesOnly) {
    const std::string message = LinesFile("{\"b\": 1}\nbroken\n").error_of([](const std::string & path) {
        return read_json_lines(path, true, [](const JsonRecord & record) { (void)record.text("a"); });
    });
    EXPECT_EQ(message, ":1: the field \"a\" is missing (and no other line can be used)");
}

TEST(JsonLines, PassesOnWhatIsNotAboutTheInput) {
    const LinesFile file("{}\n");
    const auto fail = [](const JsonRecord &) { throw Error(ErrorKind::Machine, "no memory"); };
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Machine, [&] { (void)read_json_lines(file.path(), true, fail); }),
              "no memory");
}

/// What reading a field of one line ends with.
template <typename Read>
std::string field_error(const nlohmann::json & object, const Read & read) {
    return snapkv::test::error_of(ErrorKind::Input, [&] { (void)read(JsonRecord("file", 7, object)); });
}

TEST(JsonRecord, ReadsFieldsOfATypes) {
    const nlohmann::json object = {{"t", "x"}, {"l", {"x", ""}}, {"n", 12U}, {"z", nullptr}};
    const JsonRecord record("file", 7, object);
    EXPECT_EQ(record.text("t"), "x");
    EXPECT_THAT(record.texts("l"), ElementsAre("x", ""));
    EXPECT_EQ(record.whole_number("n"), 12U);
    EXPECT_TRUE(record.has("t"));
    EXPECT_FALSE(record.has("z"));
    EXPECT_FALSE(record.has("absent"));
}

TEST(JsonRecord, NamesWhatIsNotAsExpected) {
    const auto text = [](const JsonRecord & record) { return record.text("f"); };
    const auto texts = [](const JsonRecord & record) { return record.texts("f"); };
    const auto number = [](const JsonRecord & record) { return record.whole_number("f"); };
    EXPECT_EQ(field_error({{"g", 1}}, text), "file:7: the field \"f\" is missing");
    EXPECT_EQ(field_error({{"f", 1.5}}, text), "file:7: field \"f\": found 1.5, expected a string");
    EXPECT_EQ(field_error({{"f", nullptr}}, text), "file:7: field \"f\": found null, expected a string");
    EXPECT_EQ(field_error({{"f", "x"}}, texts),
              "file:7: field \"f\": found \"x\", expected a list of at least one string");
    EXPECT_EQ(field_error({{"f", nlohmann::json::array()}}, texts),
              "file:7: field \"f\": found an empty list, expected a list of at least one string");
    EXPECT_EQ(field_error({{"f", {"x", 3U}}}, texts),
              "file:7: field \"f\": found 3 in the list, expected only strings");
    EXPECT_EQ(field_error({{"f", -1}}, number), "file:7: field \"f\": found -1, expected a non-negative whole number");
    EXPECT_EQ(field_error({{"f", 3.0}}, number),
              "file:7: field \"f\": found 3.0, expected a non-negative whole number");
    EXPECT_EQ(field_error({{"f", {{"x", 1}}}}, number),
              "file:7: field \"f\": found an object, expected a non-negative whole number");
}

TEST(JsonRecord, HasAnIdInAnyCase) {
    const auto id = [](const nlohmann::json & object) { return JsonRecord("file", 7, object).id(); };
    EXPECT_EQ(id({{"_id", "x"}, {"id", "y"}}), "x");
    EXPECT_EQ(id({{"id", "y"}, {"index", 3U}}), "y");
    EXPECT_EQ(id({{"_id", nullptr}, {"index", 3U}}), "3");
    EXPECT_EQ(id({{"text", "x"}}), "7");
    EXPECT_EQ(field_error({{"id", 1.5}}, [](const JsonRecord & record) { return record.id(); }),
              "file:7: field \"id\": found 1.5, expected a non-negative whole number");
}

}  // namespace
}  // namespace snapkv::eval
