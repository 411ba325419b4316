#include "eval/heat_map.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "eval/colour_ramp.h"
#include "no_numbers.h"
#include "xml_reader.h"

namespace snapkv::eval {
namespace {

using test::infinity;
using test::nan;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

HeatMap map_of(std::size_t columns, std::size_t rows, std::vector<double> values) {
    HeatMap map;
    map.id = "h";
    map.title = "Title";
    map.column_title = "length";
    map.row_title = "depth";
    map.value_title = "score";
    for (std::size_t i = 0; i < columns; ++i) {
        map.columns.push_back(fmt::format("c{}", i));
    }
    for (std::size_t i = 0; i < rows; ++i) {
        map.rows.push_back(fmt::format("r{}", i));
    }
    map.values = std::move(values);
    map.low = 0;
    map.high = 1;
    return map;
}

/// Cells by what they say of themselves: rectangles with a hint.
std::map<std::string, XmlElement> cells_of(std::string_view svg) {
    std::map<std::string, XmlElement> cells;
    XmlElement rect;
    for (const XmlElement & element : read_xml(svg)) {
        if (element.name == "rect") {
            rect = element;
        } else if (element.name == "title" && element.parent == "rect") {
            cells[element.text] = rect;
        }
    }
    return cells;
}

TEST(HeatMap, CellsStandAndAreColouredAsTheirValues) {
    const std::string svg = heat_map_svg(map_of(2, 2, {0, 0.5, 1, 0.25}));
    expect_sound_svg(svg);
    const auto cells = cells_of(svg);
    ASSERT_EQ(cells.size(), 4U);
    const XmlElement & first = cells.at("length c0, depth r0: 0");
    const XmlElement & beside = cells.at("length c1, depth r0: 0.5");
    const XmlElement & below = cells.at("length c0, depth r1: 1");
    EXPECT_LT(first.number("x"), beside.number("x"));
    EXPECT_EQ(first.number("y"), beside.number("y"));
    EXPECT_EQ(first.number("x"), below.number("x"));
    EXPECT_LT(first.number("y"), below.number("y"));
    EXPECT_EQ(first.attributes.at("fill"), "#440154");
    EXPECT_EQ(beside.attributes.at("fill"), "#21918c");
    EXPECT_EQ(below.attributes.at("fill"), "#fde725");
    EXPECT_THAT(shown_texts(svg),
                IsSupersetOf({"Title", "length", "depth", "score", "c0", "r1", "0", "0.50", "0.25", "0.2", "0.8"}));
}

TEST(HeatMap, NumbersAreWhiteOnDarkAndDarkOnLight) {
    const std::string svg = heat_map_svg(map_of(2, 1, {0.03, 0.97}));
    std::map<std::string, std::string> looks;
    for (const XmlElement & text : elements(svg, "text")) {
        looks[text.text] = text.attributes.at("class");
    }
    EXPECT_EQ(looks.at("0.03"), "h-bright");
    EXPECT_EQ(looks.at("0.97"), "h-dim");
}

TEST(HeatMap, WhatIsNoValueIsHatched) {
    const std::string svg = heat_map_svg(map_of(3, 1, {nan, 0.5, infinity}));
    expect_sound_svg(svg);
    const auto cells = cells_of(svg);
    EXPECT_EQ(cells.at("length c0, depth r0: no value").attributes.at("fill"), "url(#h-none)");
    EXPECT_EQ(cells.at("length c2, depth r0: no value").attributes.at("fill"), "url(#h-none)");
    EXPECT_THAT(shown_texts(svg), Contains("no value"));
    EXPECT_THAT(shown_texts(heat_map_svg(map_of(1, 1, {0.5}))), Not(Contains("no value")));
}

TEST(HeatMap, ValuesBeyondTheRangeTakeItsEnds) {
    const auto cells = cells_of(heat_map_svg(map_of(2, 1, {-2, 3})));
    EXPECT_EQ(cells.at("length c0, depth r0: -2").attributes.at("fill"), "#440154");
    EXPECT_EQ(cells.at("length c1, depth r0: 3").attributes.at("fill"), "#fde725");
}

TEST(HeatMap, TheRangeIsFoundInTheValues) {
    HeatMap map = map_of(2, 1, {12, 37});
    map.low.reset();
    map.high.reset();
    const std::string svg = heat_map_svg(map);
    // 25 / 6 = 4.2: steps of 5 from 10 to 40.
    EXPECT_THAT(shown_texts(svg), IsSupersetOf({"10", "15", "40", "12.0", "37.0"}));
    EXPECT_EQ(cells_of(svg).at("length c0, depth r0: 12").attributes.at("fill"),
              hex_text(ramp_colour((12.0 - 10) / 30)));
}

TEST(HeatMap, AnySize) {
    for (const std::size_t size : {1U, 7U, 32U, 64U}) {
        std::vector<double> values(size * size);
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<double>(i) / static_cast<double>(values.size());
        }
        const std::string svg = heat_map_svg(map_of(size, size, values));
        expect_sound_svg(svg);
        EXPECT_EQ(cells_of(svg).size(), size * size);
        const XmlElement root = read_xml(svg).front();
        for (const auto & [words, cell] : cells_of(svg)) {
            EXPECT_LE(cell.number("x") + cell.number("width"), root.number("width"));
            EXPECT_LE(cell.number("y") + cell.number("height"), root.number("height"));
        }
        EXPECT_EQ(svg.find("class=\"h-bright\"") != std::string::npos, size < 32) << size;
    }
}

TEST(HeatMap, OddInput) {
    const std::string none = heat_map_svg(map_of(0, 0, {}));
    expect_sound_svg(none);
    EXPECT_THAT(shown_texts(none), Contains("no data"));
    expect_sound_svg(heat_map_svg(map_of(0, 3, {})));
    for (const auto & values :
         {std::vector{nan, nan}, {3.0, 3.0}, {0.0, 0.0}, {-1.0, -5.0}, {1e300, 1e-300}, {1e99, -1e99}}) {
        HeatMap map = map_of(2, 1, values);
        expect_sound_svg(heat_map_svg(map));
        map.low.reset();
        expect_sound_svg(heat_map_svg(map));
        map.high.reset();
        expect_sound_svg(heat_map_svg(map));
        map.low = map.high = 2;
        expect_sound_svg(heat_map_svg(map));
    }
}

TEST(HeatMap, NumbersAreWrittenShorterInNarrowCells) {
    const HeatMap wide = map_of(8, 1, {0.62, 1, 0, 0.05, 0.1, 0.2, 0.3, 0.4});
    EXPECT_THAT(shown_texts(heat_map_svg(wide)), IsSupersetOf({"0.62", "1.00", "0.05"}));
    HeatMap narrow = map_of(30, 1, std::vector<double>(30, 0.62));
    narrow.values[3] = 1;
    narrow.values[4] = 0.05;
    EXPECT_THAT(shown_texts(heat_map_svg(narrow)), IsSupersetOf({".62", "1.0", ".05"}));
}

TEST(HeatMap, LongAndStrangeNames) {
    HeatMap map = map_of(3, 2, {0, 0, 0, 0, 0, 0});
    const std::string longer(200, 'w');
    map.columns = {"<col>&\"", longer, "\xE4\xB8\x80\xFF"};
    map.rows = {longer, "'"};
    map.title = longer;
    const std::string svg = heat_map_svg(map);
    expect_sound_svg(svg);
    EXPECT_THAT(shown_texts(svg), IsSupersetOf({"<col>&\"", "\u4E00\uFFFD", "'"}));
    EXPECT_THAT(shown_texts(svg), Not(Contains(longer)));
    EXPECT_THAT(svg, HasSubstr("<title>" + longer + "</title>"));
}

TEST(HeatMap, PercentAndWholeNumbersInCells) {
    HeatMap map = map_of(2, 1, {0.25, 0.5});
    map.numbers = NumberStyle::Percent;
    EXPECT_THAT(shown_texts(heat_map_svg(map)), IsSupersetOf({"25", "50", "20 %"}));
    map.numbers = NumberStyle::Whole;
    map.values = {3, 700};
    map.high = 1000;
    EXPECT_THAT(shown_texts(heat_map_svg(map)), IsSupersetOf({"3", "700", "1,000"}));
}

}  // namespace
}  // namespace snapkv::eval
