#include "eval/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "eval/first_line.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using testing::HasSubstr;

Sample answered_by(std::vector<std::string> answers) {
    Sample sample;
    sample.answers = std::move(answers);
    return sample;
}

TEST(Score, IsTheBestOverTheReferences) {
    EXPECT_DOUBLE_EQ(score(Metric::TokenF1, "fifty five", answered_by({"55", "fifty five cars", "fifty"})), 0.8);
    EXPECT_DOUBLE_EQ(score(Metric::CodeSimilarity, "abcd", answered_by({"x", "bcde"})), 0.75);
    EXPECT_EQ(score(Metric::Count, "5 6", answered_by({"7", "6"})), 0.5);
    EXPECT_EQ(score(Metric::Retrieval, "6", answered_by({"Paragraph 5", "Paragraph 6"})), 1);
    EXPECT_EQ(score(Metric::WordRecall, "blue", answered_by({"red", "red blue"})), 0.5);
    EXPECT_EQ(score(Metric::NeedleRouge1, "blue", answered_by({"red", "BLUE"})), 1);
    EXPECT_GT(score(Metric::Rouge1, "blue red", answered_by({"green", "red blue"})), 0.99);
    EXPECT_NEAR(score(Metric::RougeL, "blue red", answered_by({"green", "red blue"})), 0.5, 1e-6);
    EXPECT_EQ(score(Metric::NumberRight, "6", answered_by({"5", "6"})), 1);
    EXPECT_EQ(score(Metric::DigitsRight, "56", answered_by({"78", "57"})), 0.5);
}

TEST(Score, SeesAllReferencesAtOnceInStringMatch) {
    EXPECT_EQ(score(Metric::MatchAll, "red", answered_by({"red", "blue"})), 0.5);
    EXPECT_EQ(score(Metric::MatchPart, "red", answered_by({"blue", "red"})), 1);
}

TEST(Score, TakesClassesFromTheSample) {
    Sample sample = answered_by({"Date"});
    EXPECT_EQ(score(Metric::Classification, "Date, Food", sample), 0);
    sample.classes = {"Date", "Food"};
    EXPECT_EQ(score(Metric::Classification, "Date, Food", sample), 0.5);
}

TEST(Score, TakesTheFirstNumberAfterAnAnswerPrefix) {
    Sample sample = answered_by({"75"});
    EXPECT_EQ(score(Metric::NumberRight, "75> line <12", sample), 0);
    EXPECT_EQ(score(Metric::DigitsRight, "75> line <12", sample), 0);
    sample.answer_prefix = "It is <";
    EXPECT_EQ(score(Metric::NumberRight, "75> line <12", sample), 1);
    EXPECT_EQ(score(Metric::DigitsRight, "75> line <12", sample), 1);
}

TEST(Score, IsZeroWithoutAnswers) {
    EXPECT_EQ(score(Metric::TokenF1, "cat", {}), 0);
    EXPECT_EQ(score(Metric::MatchAll, "cat", {}), 0);
}

TEST(Metrics, HaveNames) {
    EXPECT_EQ(name_of(Metric::TokenF1), "token-f1");
    for (int i = 0; i <= static_cast<int>(Metric::DigitsRight); ++i) {
        const auto metric = static_cast<Metric>(i);
        EXPECT_EQ(metric_of(name_of(metric)), metric);
    }
    EXPECT_THAT(snapkv::test::error_of(ErrorKind::Usage, [] { (void)metric_of("f1"); }),
                HasSubstr("metric \"f1\" is not one of token-f1, rouge-1, rouge-l"));
}

TEST(FirstLine, PassesOverEmptyLines) {
    EXPECT_EQ(first_line("\n\none\ntwo"), "one");
    EXPECT_EQ(first_line("one"), "one");
    EXPECT_EQ(first_line(" \none"), " ");
    EXPECT_EQ(first_line("\n\n"), "");
    EXPECT_EQ(first_line(""), "");
}

}  // namespace
}  // namespace snapkv::eval
