// What reports of answers say, from records that are written by hand.
#include "eval/answers_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace snapkv::eval {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Json answer(const std::string & part, const std::string & variant, const Json & place, const Json & scores) {
    const bool full = variant == "full";
    return {{"part", part},           {"variant", variant},
            {"place", place},         {"scores", scores},
            {"dropped", 0},           {"rows_kept", full ? 200 : 50},
            {"rows_full", 200},       {"bytes_kept", full ? 2 << 20 : 1 << 19},
            {"generated_tokens", 10}, {"predicted_ms", full ? 1000.0 : 500.0}};
}

const ReportSection * section_named(const PicturedReport & made, const std::string & heading) {
    const auto found = std::find_if(made.report.sections.begin(), made.report.sections.end(),
                                    [&](const ReportSection & section) { return section.heading == heading; });
    return found == made.report.sections.end() ? nullptr : &*found;
}

const Table & table_of(const PicturedReport & made, const std::string & heading) {
    const ReportSection * section = section_named(made, heading);
    if (section == nullptr) {
        throw std::out_of_range("no section " + heading);
    }
    return section->table;
}

std::size_t pictures_named(const PicturedReport & made, const std::string & beginning) {
    return static_cast<std::size_t>(
        std::count_if(made.pictures.begin(), made.pictures.end(),
                      [&](const auto & picture) { return picture.first.starts_with(beginning); }));
}

TEST(AnswersReport, OverviewHasMeansAndWhatCachesHold) {
    const std::vector<Json> records{answer("qasper", "full", Json::object(), {{"f1", 1.0}}),
                                    answer("qasper", "snapkv 50", Json::object(), {{"f1", 0.5}}),
                                    answer("trec", "full", Json::object(), {{"classification", 0.0}}),
                                    answer("trec", "snapkv 50", Json::object(), {{"classification", 1.0}})};
    const PicturedReport made = answers_report(records, AnswersLayout::Sets, "LongBench");
    EXPECT_EQ(made.report.title, "LongBench");
    EXPECT_EQ(table_of(made, "Overview").rows, (Rows{{"full", "100.0", "0.0", "2", "100.0", "2.0", "10"},
                                                     {"snapkv 50", "50.0", "100.0", "2", "25.0", "0.5", "20"}}));
    EXPECT_EQ(table_of(made, "By set").rows,
              (Rows{{"full", "100.0", "0.0", "50.0"}, {"snapkv 50", "50.0", "100.0", "75.0"}}));
}

TEST(AnswersReport, DroppedTokensAreSaid) {
    std::vector<Json> records{answer("qasper", "full", Json::object(), {{"f1", 1.0}})};
    EXPECT_TRUE(section_named(answers_report(records, AnswersLayout::Sets, ""), "Overview")->notes.empty());
    records[0]["dropped"] = 12;
    EXPECT_EQ(section_named(answers_report(records, AnswersLayout::Sets, ""), "Overview")->notes.size(), 1U);
}

TEST(AnswersReport, AGridIsAMapForEachCacheAndMeansAlongBothAxes) {
    std::vector<Json> records;
    for (const double length : {1024.0, 2048.0}) {
        for (const double depth : {0.0, 0.5, 1.0}) {
            for (const char * variant : {"full", "snapkv 50"}) {
                const bool lost = variant != std::string("full") && length > 2000 && depth == 0.5;
                records.push_back(answer("needle", variant, {{"length", length}, {"depth", depth}},
                                         {{"word recall", lost ? 0.0 : 1.0}}));
            }
        }
    }
    const PicturedReport made = answers_report(records, AnswersLayout::Grid, "Needle");
    EXPECT_EQ(pictures_named(made, "grid"), 2U);
    EXPECT_EQ(table_of(made, "word recall by length").rows,
              (Rows{{"1,024", "100.0", "100.0"}, {"2,048", "100.0", "66.7"}}));
    EXPECT_EQ(table_of(made, "word recall by depth").rows,
              (Rows{{"0 %", "100.0", "100.0"}, {"50 %", "100.0", "50.0"}, {"100 %", "100.0", "100.0"}}));
}

TEST(AnswersReport, LinesHaveNoCurveOverASinglePlace) {
    const std::vector<Json> records{
        answer("lines", "full", {{"lines", 40.0}, {"depth", 0.0}}, {{"number-right", 1.0}, {"digits-right", 1.0}}),
        answer("lines", "full", {{"lines", 40.0}, {"depth", 1.0}}, {{"number-right", 0.0}, {"digits-right", 0.6}})};
    const PicturedReport made = answers_report(records, AnswersLayout::Lines, "Lines");
    EXPECT_EQ(section_named(made, "number-right by lines"), nullptr);
    EXPECT_EQ(table_of(made, "digits-right by depth").rows, (Rows{{"0 %", "100.0"}, {"100 %", "60.0"}}));
}

TEST(AnswersReport, BudgetsAndKernelsAreMappedAndTooManyCachesNotDrawnAsLines) {
    std::vector<Json> records;
    for (const char * budget : {"64", "128"}) {
        for (const char * kernel : {"1", "3", "5", "7", "9", "11", "13"}) {
            for (const double depth : {0.0, 1.0}) {
                Json & record =
                    records.emplace_back(answer("lines", std::string("snapkv ") + budget + ", kernel " + kernel,
                                                {{"depth", depth}}, {{"digits-right", depth}}));
                record["cache"] = {{"budget", budget}, {"kernel", kernel}, {"pooling", "max"}};
            }
        }
    }
    const PicturedReport made = answers_report(records, AnswersLayout::Lines, "Lines");
    EXPECT_EQ(pictures_named(made, "digits-right-max"), 1U);
    EXPECT_EQ(section_named(made, "digits-right by depth"), nullptr);
    for (const char * mixed : {"evidence", "sink", "type"}) {
        std::vector<Json> others = records;
        for (std::size_t i = 0; i < others.size(); ++i) {
            others[i]["cache"][mixed] = i % 2 == 0 ? "one" : "another";
        }
        EXPECT_EQ(pictures_named(answers_report(others, AnswersLayout::Lines, "Lines"), "digits-right-max"), 0U)
            << mixed;
    }
    records.resize(4);  // two caches
    EXPECT_NE(section_named(answers_report(records, AnswersLayout::Lines, "Lines"), "digits-right by depth"), nullptr);
}

TEST(AnswersReport, SetsOfLongBenchEAreTabledByLengthToo) {
    const std::vector<Json> records{answer("qasper", "full", {}, {{"F1", 0.25}}),
                                    answer("qasper_e", "full", {{"length", 0.0}}, {{"F1", 1.0}}),
                                    answer("qasper_e", "full", {{"length", 8000.0}}, {{"F1", 0.5}}),
                                    answer("lcc_e", "full", {{"length", 0.0}}, {{"similarity", 0.5}})};
    const PicturedReport made = answers_report(records, AnswersLayout::Sets, "LongBench");
    EXPECT_EQ(table_of(made, "By set").rows, (Rows{{"full", "25.0", "75.0", "50.0", "50.0"}}));
    EXPECT_EQ(table_of(made, "Documents of 0-4k words").rows, (Rows{{"full", "100.0", "50.0", "75.0"}}));
    EXPECT_EQ(table_of(made, "Documents of 8k+ words").rows, (Rows{{"full", "50.0", "-", "-"}}));
    EXPECT_EQ(section_named(made, "Documents of 4-8k words"), nullptr);
}

TEST(AnswersReport, TasksAreTabledByLength) {
    const std::vector<Json> records{answer("niah_single_1", "full", {{"length", 1024.0}}, {{"match", 1.0}}),
                                    answer("vt", "full", {{"length", 1024.0}}, {{"match", 0.5}}),
                                    answer("niah_single_1", "full", {{"length", 4096.0}}, {{"match", 0.0}})};
    const PicturedReport made = answers_report(records, AnswersLayout::Tasks, "RULER");
    EXPECT_EQ(table_of(made, "Prompts of 1,024 tokens").rows, (Rows{{"full", "100.0", "50.0", "75.0"}}));
    // A task that was not asked at a length has no score there, and the mean none either.
    EXPECT_EQ(table_of(made, "Prompts of 4,096 tokens").rows, (Rows{{"full", "0.0", "-", "-"}}));
}

}  // namespace
}  // namespace snapkv::eval
