#pragma once

#include <string>
#include <string_view>

#include "eval/axis_ticks.h"
#include "eval/svg_page.h"

namespace snapkv::eval {

inline constexpr double chart_width = 860;
inline constexpr double plot_height = 324;
inline constexpr double small_text = 12;

/// Where values are drawn, in pixels from the picture's upper left corner.
struct PlotArea {
    double left = 0;
    double top = 0;
    double width = 0;
    double height = 0;

    [[nodiscard]] double right() const { return left + width; }
    [[nodiscard]] double bottom() const { return top + height; }
};

/// Writes a title of up to three lines within `width` pixels and returns where what follows it may begin.
double add_title(SvgPage & page, std::string_view title, double left, double width);

/// Pixels that the labels and the title of an upright axis need to its left.
[[nodiscard]] double y_axis_width(const Axis & axis, std::string_view title);

/// Grid lines, numbers and the turned title of the upright axis.
void add_y_axis(SvgPage & page, const PlotArea & area, const Axis & axis, std::string_view title);

/// Short strokes, numbers and the title of the level axis, inset as its points are. Returns where what follows it may
/// begin.
double add_x_axis(SvgPage & page, const PlotArea & area, const Axis & axis, double inset, std::string_view title);

/// The title under a level axis or under the names of columns, from `top` on. Returns where what follows may begin.
double add_x_title(SvgPage & page, const PlotArea & area, double top, std::string_view title);

/// The lines to the left of the plot and under it.
void add_frame(SvgPage & page, const PlotArea & area);

/// "No data" across the plot.
void add_no_data(SvgPage & page, const PlotArea & area);

/// A remark under the picture, from `top` on; returns where what follows may begin. Nothing where it is empty.
double add_remark(SvgPage & page, double left, double top, std::string_view remark);

}  // namespace snapkv::eval
