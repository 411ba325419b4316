#include "eval/line_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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

LineChart chart_of(std::vector<ChartSeries> series) {
    LineChart chart;
    chart.id = "c";
    chart.title = "Title";
    chart.x = {"prompt, tokens", AxisScale::Log2, NumberStyle::Tokens, {}, {}};
    chart.y = {"score", AxisScale::Linear, NumberStyle::Plain, 0, 1};
    chart.series = std::move(series);
    return chart;
}

ChartSeries series_of(std::string name, const std::vector<double> & ys) {
    ChartSeries series{std::move(name), {}, true};
    double x = 1024;
    for (const double y : ys) {
        series.points.push_back({x, y, {}, {}});
        x *= 2;
    }
    return series;
}

/// Elements of a class.
std::vector<XmlElement> of_class(std::string_view svg, std::string_view name) {
    std::vector<XmlElement> all = read_xml(svg);
    std::erase_if(all, [&](const XmlElement & element) {
        const auto found = element.attributes.find("class");
        return found == element.attributes.end() || found->second != name;
    });
    return all;
}

/// The middles of the round markers with a hint: the points of the first series.
std::vector<std::pair<double, double>> circles(std::string_view svg) {
    std::vector<std::pair<double, double>> middles;
    for (const XmlElement & circle : elements(svg, "circle")) {
        middles.emplace_back(circle.number("cx"), circle.number("cy"));
    }
    return middles;
}

/// Curves in the plot, not the thin strokes of spreads and labels.
std::vector<std::string> curves(std::string_view svg) {
    std::vector<std::string> paths;
    for (const XmlElement & path : elements(svg, "path")) {
        const auto width = path.attributes.find("stroke-width");
        if (width != path.attributes.end() && width->second == "2") {
            paths.push_back(path.attributes.at("d"));
        }
    }
    return paths;
}

TEST(LineChart, PointsLieInTheOrderOfTheirValues) {
    const std::string svg = line_chart_svg(chart_of({series_of("s", {0.2, 0.4, 0.9})}));
    expect_sound_svg(svg);
    auto points = circles(svg);
    ASSERT_EQ(points.size(), 4U);  // and the one beside the name
    points.pop_back();
    EXPECT_LT(points[0].first, points[1].first);
    EXPECT_NEAR(points[1].first - points[0].first, points[2].first - points[1].first, 0.11);  // octaves
    EXPECT_GT(points[0].second, points[1].second);
    EXPECT_NEAR((points[1].second - points[2].second) / (points[0].second - points[1].second), 0.5 / 0.2, 0.02);
    EXPECT_EQ(curves(svg).size(), 1U);
    EXPECT_THAT(shown_texts(svg),
                IsSupersetOf({"Title", "prompt, tokens", "score", "s", "1K", "2K", "4K", "0", "0.2", "1.0"}));
}

TEST(LineChart, NamesStandBesideEndsWithoutOverlap) {
    const std::string svg = line_chart_svg(
        chart_of({series_of("first", {0.1, 0.50}), series_of("second", {0.2, 0.50}), series_of("third", {0.3, 0.51})}));
    std::vector<double> heights;
    for (const XmlElement & text : elements(svg, "text")) {
        if (text.text == "first" || text.text == "second" || text.text == "third") {
            heights.push_back(text.number("y"));
        }
    }
    ASSERT_EQ(heights.size(), 3U);
    EXPECT_LT(heights[2], heights[0]);  // the highest value on top
    std::sort(heights.begin(), heights.end());
    EXPECT_GE(heights[1] - heights[0], 15.9);
    EXPECT_GE(heights[2] - heights[1], 15.9);
}

TEST(LineChart, ManySeriesGetALegendAndDifferInPrint) {
    std::vector<ChartSeries> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(series_of("window " + std::to_string(i), {0.1 + i * 0.01, 0.5}));
    }
    const std::string svg = line_chart_svg(chart_of(all));
    expect_sound_svg(svg);
    EXPECT_THAT(shown_texts(svg), IsSupersetOf({"window 0", "window 19"}));
    EXPECT_EQ(curves(svg).size(), 40U);
    std::vector<std::string> looks;
    for (const XmlElement & path : elements(svg, "path")) {
        const auto width = path.attributes.find("stroke-width");
        if (width != path.attributes.end() && width->second == "2") {
            const auto dash = path.attributes.find("stroke-dasharray");
            looks.push_back(path.attributes.at("class") + (dash == path.attributes.end() ? "" : dash->second));
        }
    }
    looks.resize(20);
    std::sort(looks.begin(), looks.end());
    EXPECT_EQ(std::adjacent_find(looks.begin(), looks.end()), looks.end());
}

TEST(LineChart, ScatterHasNoLinesAndNamesItsPointsInThePlot) {
    ChartSeries point = series_of("q8_0", {0.5});
    point.line = false;
    ChartSeries other{"q4_0", {{4096, 0.8, {}, {}}}, false};
    const std::string svg = line_chart_svg(chart_of({point, other}));
    expect_sound_svg(svg);
    EXPECT_TRUE(curves(svg).empty());
    EXPECT_EQ(circles(svg).size(), 1U);  // its name stands beside it and needs no second one
    EXPECT_EQ(of_class(svg, "c-label").size(), 2U);
}

TEST(LineChart, SpreadsAreDrawnWhereBothEndsAreKnown) {
    LineChart chart = chart_of({series_of("s", {0.5, 0.6})});
    chart.series[0].points[0].low = 0.4;
    chart.series[0].points[0].high = 0.7;
    chart.series[0].points[1].low = 0.4;
    const auto spreads = [](const std::string & svg) {
        const auto paths = elements(svg, "path");
        return std::count_if(paths.begin(), paths.end(), [](const XmlElement & path) {
            const auto width = path.attributes.find("stroke-width");
            return width != path.attributes.end() && width->second == "1.2";
        });
    };
    const std::string svg = line_chart_svg(chart);
    EXPECT_EQ(spreads(svg), 1);
    EXPECT_THAT(svg, HasSubstr("<title>s: 1,024, 0.5 (0.4 to 0.7)</title>"));
    chart.series[0].points[0].low = nan;
    EXPECT_EQ(spreads(line_chart_svg(chart)), 0);
    // Down to 0 on a logarithmic axis: to its foot.
    chart.y.scale = AxisScale::Log10;
    chart.series[0].points[0].low = 0;
    EXPECT_EQ(spreads(line_chart_svg(chart)), 1);
}

TEST(LineChart, AMissingValueInterruptsTheLineAndIsCounted) {
    const std::string svg = line_chart_svg(chart_of({series_of("s", {0.1, 0.2, nan, 0.4, 0.5, infinity})}));
    expect_sound_svg(svg);
    EXPECT_EQ(curves(svg).size(), 2U);
    EXPECT_EQ(circles(svg).size(), 5U);
    EXPECT_THAT(shown_texts(svg), Contains(HasSubstr("Not shown: 2 of 6 points")));
}

TEST(LineChart, ZeroHasNoPlaceOnALogarithmicAxis) {
    LineChart chart = chart_of({series_of("s", {0, 0.01, 0.1})});
    chart.y = {"KL", AxisScale::Log10, NumberStyle::Plain, {}, {}};
    const std::string svg = line_chart_svg(chart);
    expect_sound_svg(svg);
    EXPECT_EQ(circles(svg).size(), 3U);
    EXPECT_THAT(shown_texts(svg),
                Contains("Not shown: 1 of 3 points, without a finite value or not above 0 on a logarithmic axis"));
    EXPECT_THAT(shown_texts(svg), IsSupersetOf({"0.01", "0.1"}));
}

TEST(LineChart, NothingToShow) {
    for (const auto & series : {std::vector<ChartSeries>{}, std::vector<ChartSeries>{{"empty", {}, true}},
                                std::vector<ChartSeries>{series_of("s", {nan, infinity})}}) {
        const std::string svg = line_chart_svg(chart_of(series));
        expect_sound_svg(svg);
        EXPECT_THAT(shown_texts(svg), Contains("no data"));
        EXPECT_TRUE(circles(svg).empty());
    }
    expect_sound_svg(line_chart_svg({}));
}

TEST(LineChart, ExtremesStayInThePlot) {
    for (const AxisScale scale : {AxisScale::Linear, AxisScale::Log2, AxisScale::Log10}) {
        for (const auto & ys : {std::vector{5.0},
                                {7.0, 7.0, 7.0},
                                {-3.0, -1.0, 2.0},
                                {1e-90, 1e90},
                                {-1e99, 1e99},
                                {1e300, 1e-300},
                                {0.0, 0.0},
                                {1.0, 1.0 + 1e-14}}) {
            LineChart chart = chart_of({series_of("s", ys)});
            chart.y = {"y", scale, NumberStyle::Plain, {}, {}};
            const std::string svg = line_chart_svg(chart);
            expect_sound_svg(svg);
            for (const auto & [x, y] : circles(svg)) {
                EXPECT_GE(x, 0);
                EXPECT_LE(x, 860);
                EXPECT_GE(y, 40);
                EXPECT_LE(y, 380);
            }
        }
    }
}

TEST(LineChart, LongContextsHaveRoundNumbers) {
    LineChart chart = chart_of({});
    chart.series.push_back({"s", {{4096, 1, {}, {}}, {380000, 0.9, {}, {}}}, true});
    EXPECT_THAT(shown_texts(line_chart_svg(chart)), IsSupersetOf({"4K", "128K", "256K"}));
    chart.x.scale = AxisScale::Linear;
    EXPECT_THAT(shown_texts(line_chart_svg(chart)), IsSupersetOf({"128K", "256K"}));
}

TEST(LineChart, NamesAreEscapedAndShortened) {
    const std::string name = "<b>&\"'\xFF \xE2\x82\xAC";
    const std::string longer(300, 'n');
    LineChart chart = chart_of({series_of(name, {0.1, 0.2}), series_of(longer, {0.3, 0.4})});
    chart.title = longer + " " + longer + name;
    chart.y.title = longer;
    const std::string svg = line_chart_svg(chart);
    expect_sound_svg(svg);
    EXPECT_THAT(shown_texts(svg), Contains("<b>&\"'\uFFFD \u20AC"));
    EXPECT_THAT(shown_texts(svg), Not(Contains(longer)));
}

TEST(LineChart, LongCurvesGetFewMarkers) {
    LineChart chart = chart_of({});
    chart.series.push_back({"s", {}, true});
    for (int i = 0; i < 1000; ++i) {
        chart.series[0].points.push_back({1024.0 + i, 0.5, {}, {}});
    }
    const auto markers = circles(line_chart_svg(chart)).size();
    EXPECT_GE(markers, 32U);
    EXPECT_LE(markers, 66U);
}

}  // namespace
}  // namespace snapkv::eval
