#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/axis_ticks.h"

namespace snapkv::eval {

struct ChartPoint {
    double x = 0;
    double y = 0;
    std::optional<double> low;  ///< the spread of y, drawn where both ends are given
    std::optional<double> high;
};

struct ChartSeries {
    std::string name;
    std::vector<ChartPoint> points;  ///< joined in this order; a point without a place interrupts the line
    bool line = true;                ///< false: points alone
};

struct ChartAxis {
    std::string title;  ///< with the unit
    AxisScale scale = AxisScale::Linear;
    NumberStyle numbers = NumberStyle::Plain;
    std::optional<double> from;  ///< the axis reaches at least from here
    std::optional<double> to;    ///< at least to here
};

/// Curves over a common x. Points without a place (NaN, infinite, not above 0 on a logarithmic axis) are left out, and
/// a remark under the chart counts them.
struct LineChart {
    std::string id;  ///< unique among the pictures of a page
    std::string title;
    ChartAxis x;
    ChartAxis y;
    std::vector<ChartSeries> series;
};

/// The chart as a whole SVG file. Series are named beside their ends; in a legend below where they are more than eight.
[[nodiscard]] std::string line_chart_svg(const LineChart & chart);

}  // namespace snapkv::eval
