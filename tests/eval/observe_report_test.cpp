// What reports of observations say, from records that are written by hand.
#include "eval/observe_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "eval/missed_report.h"

namespace snapkv::eval {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::vector<std::string> picture_names(const PicturedReport & made) {
    std::vector<std::string> names;
    std::transform(made.pictures.begin(), made.pictures.end(), std::back_inserter(names),
                   [](const auto & picture) { return picture.first; });
    return names;
}

bool draws(const PicturedReport & made, const std::string & name, const std::string & text) {
    const auto found = std::find_if(made.pictures.begin(), made.pictures.end(),
                                    [&](const auto & picture) { return picture.first == name; });
    return found != made.pictures.end() && found->second.find(text) != std::string::npos;
}

std::vector<std::string> column_names(const Table & table) {
    std::vector<std::string> names;
    std::transform(table.columns.begin(), table.columns.end(), std::back_inserter(names),
                   [](const Column & column) { return column.name; });
    return names;
}

/// Records of two layers whose rates are given.
std::vector<Json> rates(const std::vector<double> & first, const std::vector<double> & second) {
    return {{{"layer", 0}, {"rates", first}, {"heads", {0.25, nullptr}}},
            {{"layer", 1}, {"rates", second}, {"heads", {1.0, 0.5}}}};
}

TEST(ObserveReport, FewWindowsAreLinesAndManyAMap) {
    const PicturedReport few = windows_report(rates({0.25, 0.5}, {0.75, 1}));
    ASSERT_EQ(few.report.sections.size(), 2U);
    const Table & table = few.report.sections[0].table;
    EXPECT_EQ(column_names(table), (std::vector<std::string>{"layer", "1 before the last", "the last"}));
    EXPECT_EQ(table.rows, (Rows{{"0", "25.0", "50.0"}, {"1", "75.0", "100.0"}, {"mean", "50.0", "75.0"}}));
    EXPECT_EQ(picture_names(few), (std::vector<std::string>{"by-layer", "by-head"}));
    EXPECT_FALSE(draws(few, "by-layer", "windows before the last"));
    EXPECT_TRUE(draws(few, "by-head", "query head"));

    const std::vector<double> many(20, 0.5);
    const PicturedReport map = windows_report(rates(many, many));
    EXPECT_EQ(map.report.sections[0].table.columns.size(), 21U);
    EXPECT_TRUE(draws(map, "by-layer", "windows before the last"));
}

TEST(ObserveReport, WhatNothingWasAskedOfIsADashAndNotInTheMean) {
    std::vector<Json> records = rates({0.25}, {0.75});
    records[0]["rates"][0] = nullptr;
    const PicturedReport made = generation_report(records);
    EXPECT_EQ(made.report.sections[0].table.rows, (Rows{{"0", "-"}, {"1", "75.0"}, {"mean", "75.0"}}));
    EXPECT_EQ(column_names(made.report.sections[0].table), (std::vector<std::string>{"layer", "generated window 1"}));
}

TEST(ObserveReport, InstructionsAreComparedInPairs) {
    const std::vector<Json> records{
        {{"layer", 0}, {"overlap", {{1.0, 0.5, 0.25}, {0.5, 1.0, 0.0}, {0.25, 0.0, 1.0}}}, {"heads", {0.25, 0.5}}}};
    const std::vector<std::string> names{"Summarise.", "Who?", "When?"};
    const PicturedReport made = instructions_report(records, names);
    const ReportSection & section = made.report.sections.front();
    EXPECT_EQ(column_names(section.table), (std::vector<std::string>{"layer", "1 and 2", "1 and 3", "2 and 3"}));
    EXPECT_EQ(section.table.rows.front(), (std::vector<std::string>{"0", "50.0", "25.0", "0.0"}));
    EXPECT_EQ(section.notes, (std::vector<std::string>{"1: Summarise.", "2: Who?", "3: When?"}));
    EXPECT_EQ(picture_names(made), (std::vector<std::string>{"by-layer", "by-pair", "by-head"}));
    EXPECT_TRUE(draws(made, "by-head", "KV head"));
}

TEST(ObserveReport, TheInstructionStandsAfterAndBefore) {
    std::vector<Json> records = rates({0.75, 0.25}, {0.5, 0.5});
    for (Json & record : records) {
        record["heads"] = {{0.75, 0.5}, {0.25, nullptr}};
    }
    const PicturedReport made = position_report(records);
    EXPECT_EQ(picture_names(made), (std::vector<std::string>{"by-layer", "by-head-after", "by-head-before"}));
    EXPECT_EQ(made.report.sections.front().table.rows,
              (Rows{{"0", "75.0", "25.0"}, {"1", "50.0", "50.0"}, {"mean", "62.5", "37.5"}}));
}

TEST(ObserveReport, ABudgetNamesTheLayersThatItHurtsMost) {
    std::vector<Json> records;
    const std::vector<double> kept{0.9, 0.6, 0.8, 0.5, 0.7};
    for (std::size_t layer = 0; layer < kept.size(); ++layer) {
        records.push_back({{"layer", layer},
                           {"kept", {kept[layer], 1.0}},
                           {"heads", {{kept[layer]}, {1.0}}},
                           {"parts", {0.1, 0.2, 0.3, 0.4}}});
    }
    const std::vector<std::string> budgets{"64", "10%"};
    const PicturedReport made = mass_report(records, budgets);
    const ReportSection & section = made.report.sections.front();
    EXPECT_EQ(section.table.rows.back(), (std::vector<std::string>{"mean", "70.0", "100.0"}));
    ASSERT_EQ(section.notes.size(), 2U);
    EXPECT_EQ(section.notes[0],
              "Budget 64 keeps least in layer 3 (50.0 %), 1 (60.0 %), 4 (70.0 %); 70.0 % on average.");
    EXPECT_EQ(picture_names(made),
              (std::vector<std::string>{"kept-by-layer", "kept-by-head-1", "kept-by-head-2", "parts-by-layer"}));
    EXPECT_TRUE(draws(made, "kept-by-head-2", "Share kept, budget 10%"));
    EXPECT_TRUE(draws(made, "parts-by-layer", "sinks: the first 4"));
}

/// A layer of two heads, the second without a figure, that misses `behind` at -1 and `ahead` at +3 and +4.
Json missed_in(std::uint32_t layer, double behind, double ahead) {
    std::vector<double> shares(MissedAttention::bins);
    std::vector<std::uint64_t> rows(MissedAttention::bins);
    shares[MissedAttention::bin_of(-1)] = behind;
    rows[MissedAttention::bin_of(-1)] = 30;
    shares[MissedAttention::bin_of(4)] = ahead;
    rows[MissedAttention::bin_of(4)] = 10;
    const Json nothing = std::vector<Json>(MissedAttention::bins);
    return {{"layer", layer},
            {"missed", {behind + ahead, nullptr}},
            {"shares", {shares, nothing}},
            {"rows", {rows, std::vector<int>(MissedAttention::bins)}}};
}

TEST(ObserveReport, WhatIsMissedIsToldByLayerHeadAndDistance) {
    const std::vector<Json> records{missed_in(0, 0.1, 0.3), missed_in(1, 0.1, 0.1)};
    const PicturedReport made = missed_report(records);
    ASSERT_EQ(made.report.sections.size(), 2U);
    const Table & distances = made.report.sections[0].table;
    ASSERT_EQ(distances.rows.size(), MissedAttention::bins);
    // A third of what is missed lies in 30 of 40 rows.
    EXPECT_EQ(distances.rows[MissedAttention::bin_of(-1)],
              (std::vector<std::string>{"-1", "30.0", "10.000", "33.3", "0.44"}));
    EXPECT_EQ(distances.rows[MissedAttention::bin_of(4)],
              (std::vector<std::string>{"+3 to +4", "10.0", "20.000", "66.7", "2.67"}));
    EXPECT_EQ(distances.rows[0], (std::vector<std::string>{"-65 and beyond", "0.0", "0.000", "0.0", "-"}));
    const Table & layers = made.report.sections[1].table;
    EXPECT_EQ(column_names(layers), (std::vector<std::string>{"layer", "missed", "-33 and beyond", "-32 to -9",
                                                              "-8 to -1", "+1 to +8", "+9 to +32", "+33 and beyond"}));
    EXPECT_EQ(layers.rows[0], (std::vector<std::string>{"0", "40.0", "0.0", "0.0", "10.0", "30.0", "0.0", "0.0"}));
    EXPECT_EQ(layers.rows[2], (std::vector<std::string>{"mean", "30.0", "0.0", "0.0", "10.0", "20.0", "0.0", "0.0"}));
    EXPECT_EQ(picture_names(made),
              (std::vector<std::string>{"by-distance", "by-layer", "by-head", "by-layer-and-distance"}));
    EXPECT_TRUE(draws(made, "by-layer-and-distance", "+3 to +4"));
}

}  // namespace
}  // namespace snapkv::eval
