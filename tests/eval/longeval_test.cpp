#include "eval/longeval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/lines_file.h"

namespace snapkv::eval {
namespace {

using test::LinesFile;
using testing::ElementsAre;
using testing::Pair;

nlohmann::json longeval_line() {
    return {
        {"random_idx", {"tall-eraser", 1U}},
        {"expected_number", 35148U},
        {"num_lines", 3U},
        {"correct_line", "line tall-eraser: REGISTER_CONTENT is <35148>\n"},
        {"prompt",
         "Below is a record.\nline a: <1>\nline tall-eraser: <35148>\nline b: <2>\n\nNow the record is over. Tell me "
         "what is in line tall-eraser? "}};
}

std::string error_for(const nlohmann::json & line) {
    return LinesFile(line.dump()).error_of([](const std::string & path) { return read_longeval(path, false); });
}

TEST(LongEval, ReadsOfficialLines) {
    nlohmann::json second = longeval_line();
    second["random_idx"][1] = 2U;
    const LinesFile file(longeval_line().dump() + "\n" + second.dump() + "\n");
    const SampleFile read = read_longeval(file.path(), false);
    ASSERT_EQ(read.samples.size(), 2U);
    EXPECT_EQ(read.undivided, 0U);
    const Sample & sample = read.samples[0];
    EXPECT_EQ(sample.id, "3-1");
    EXPECT_EQ(sample.document, "Below is a record.\nline a: <1>\nline tall-eraser: <35148>\nline b: <2>\n");
    EXPECT_EQ(sample.question, "\nNow the record is over. Tell me what is in line tall-eraser? ");
    EXPECT_THAT(sample.answers, ElementsAre("35148"));
    EXPECT_EQ(sample.answer_prefix, "line tall-eraser: REGISTER_CONTENT is <");
    EXPECT_EQ(sample.max_tokens, 100U);
    EXPECT_THAT(sample.place, ElementsAre(Pair("lines", 3.0), Pair("depth", 0.5)));
    EXPECT_EQ(read.samples[1].id, "3-2");
    EXPECT_EQ(read.samples[1].place[1].second, 1.0);
}

TEST(LongEval, TakesARecordOfOneLine) {
    nlohmann::json line = longeval_line();
    line["num_lines"] = 1U;
    line["random_idx"][1] = 0U;
    const LinesFile file(line.dump());
    EXPECT_EQ(read_longeval(file.path(), false).samples[0].place[1].second, 0.0);
}

TEST(LongEval, SaysWhereTheQuestionCannotBeTold) {
    nlohmann::json line = longeval_line();
    line["prompt"] = "line a: <1>\nWhat is in line a?";
    const LinesFile file(line.dump());
    const SampleFile read = read_longeval(file.path(), false);
    EXPECT_EQ(read.undivided, 1U);
    EXPECT_EQ(read.samples[0].document, "line a: <1>\nWhat is in line a?");
    EXPECT_EQ(read.samples[0].question, "");
}

TEST(LongEval, NamesAMissingField) {
    for (const char * field : {"random_idx", "expected_number", "num_lines", "prompt"}) {
        nlohmann::json line = longeval_line();
        line.erase(field);
        EXPECT_EQ(error_for(line), std::string(":1: the field \"") + field + "\" is missing");
    }
}

TEST(LongEval, NamesAWrongField) {
    nlohmann::json line = longeval_line();
    line["expected_number"] = "35148";
    EXPECT_EQ(error_for(line), ":1: field \"expected_number\": found \"35148\", expected a non-negative whole number");
    const std::vector<nlohmann::json> wrong = {{"tall-eraser", 3U}, {"tall-eraser"}, {1U, 1U}, {"x", -1}, "x"};
    for (const nlohmann::json & asked : wrong) {
        line = longeval_line();
        line["random_idx"] = asked;
        EXPECT_THAT(error_for(line), testing::HasSubstr("expected a line's name and its index, less than 3"));
    }
    line = longeval_line();
    line["num_lines"] = 0U;
    EXPECT_THAT(error_for(line), testing::HasSubstr("its index, less than 0"));
}

}  // namespace
}  // namespace snapkv::eval
