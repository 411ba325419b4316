#include "eval/stacked_bars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "xml_reader.h"

namespace snapkv::eval {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

StackedBars bars_of(std::vector<std::vector<double>> shares) {
    StackedBars bars;
    bars.id = "s";
    bars.title = "Title";
    bars.category_title = "layer";
    bars.value_title = "share";
    bars.parts = {"sinks", "far"};
    for (std::size_t i = 0; i < shares.size(); ++i) {
        bars.categories.push_back(std::to_string(i));
    }
    bars.shares = std::move(shares);
    bars.to = 1;
    return bars;
}

std::map<std::string, XmlElement> parts_of(std::string_view svg) {
    std::map<std::string, XmlElement> parts;
    XmlElement rect;
    for (const XmlElement & element : read_xml(svg)) {
        if (element.name == "rect") {
            rect = element;
        } else if (element.name == "title" && element.parent == "rect") {
            parts[element.text] = rect;
        }
    }
    return parts;
}

TEST(StackedBars, PartsStandOnEachOtherAsHighAsTheirShares) {
    const std::string svg = stacked_bars_svg(bars_of({{0.25, 0.75}, {0.5, 0.5}}));
    expect_sound_svg(svg);
    const auto parts = parts_of(svg);
    ASSERT_EQ(parts.size(), 4U);
    const XmlElement & low = parts.at("layer 0, sinks: 25 %");
    const XmlElement & high = parts.at("layer 0, far: 75 %");
    const XmlElement & next = parts.at("layer 1, sinks: 50 %");
    EXPECT_EQ(low.number("x"), high.number("x"));
    EXPECT_LT(low.number("x"), next.number("x"));
    // A pixel between them; the plot is 324 pixels high, from 0 to 100 %.
    EXPECT_NEAR(high.number("y") + high.number("height") + 1, low.number("y"), 1.01);
    EXPECT_NEAR(low.number("height"), 324 * 0.25 - 1, 0.11);
    EXPECT_NEAR(high.number("height"), 324 * 0.75 - 1, 0.11);
    EXPECT_NE(low.attributes.at("fill"), high.attributes.at("fill"));
    EXPECT_EQ(low.attributes.at("fill"), next.attributes.at("fill"));
    EXPECT_THAT(shown_texts(svg), IsSupersetOf({"Title", "layer", "share", "0", "1", "sinks", "far", "0 %", "100 %"}));
}

TEST(StackedBars, RoundingAddsNoTickAboveAll) {
    const std::string svg = stacked_bars_svg(bars_of({{0.7, 0.3000000001}}));
    EXPECT_THAT(shown_texts(svg), Not(Contains("120 %")));
    EXPECT_THAT(shown_texts(stacked_bars_svg(bars_of({{0.7, 0.4}}))), Contains("120 %"));
}

TEST(StackedBars, WhatIsNoShareIsLeftOutAndCounted) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::string svg = stacked_bars_svg(bars_of({{nan, 0.5}, {-0.1, 0.2}, {0, 1}}));
    expect_sound_svg(svg);
    EXPECT_EQ(parts_of(svg).size(), 3U);
    EXPECT_THAT(shown_texts(svg), Contains(HasSubstr("Not shown: 2 of 6 parts")));
}

TEST(StackedBars, OddInput) {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const auto & shares : {std::vector<std::vector<double>>{},
                                {{0, 0}},
                                {{infinity, infinity}},
                                {{1e100, 1e100}},
                                std::vector<std::vector<double>>(380, {0.5, 0.5})}) {
        expect_sound_svg(stacked_bars_svg(bars_of(shares)));
    }
    EXPECT_THAT(shown_texts(stacked_bars_svg(bars_of({}))), Contains("no data"));
    expect_sound_svg(stacked_bars_svg({}));
    StackedBars bars = bars_of({{0.5, 0.5}});
    bars.parts = {"<&>", std::string(200, 'm')};
    bars.categories = {"\xFF\"" + std::string(300, 'm')};
    const std::string svg = stacked_bars_svg(bars);
    expect_sound_svg(svg);
    EXPECT_THAT(shown_texts(svg), Contains("<&>"));
}

}  // namespace
}  // namespace snapkv::eval
