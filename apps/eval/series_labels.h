#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/chart_frame.h"
#include "eval/label_places.h"
#include "eval/svg_page.h"

namespace snapkv::eval {

/// A series' name and the point that it belongs to.
struct SeriesEnd {
    std::size_t series = 0;
    std::string name;
    double x = 0;
    double y = 0;
    bool beside = false;  ///< wants its name in the plot, beside the point
};

/// Pixels to the right of the plot that names in the margin need.
[[nodiscard]] double series_labels_width(std::span<const SeriesEnd> ends);

/// Where each series' name stands: beside its point where that is wanted and `space` has room, else (nothing) in the
/// margin.
[[nodiscard]] std::vector<std::optional<Box>> plan_series_labels(std::span<const SeriesEnd> ends, FreeSpace & space);

/// Names each series once, as planned. Those in the margin stand at about the height of their points, with a thin line
/// to them.
void add_series_labels(SvgPage & page, const PlotArea & area, std::span<const SeriesEnd> ends,
                       std::span<const std::optional<Box>> plan);

/// A legend in rows from `top` on, `width` pixels wide, with lines where `lines` says so. Returns where what follows
/// may begin.
double add_series_legend(SvgPage & page, double left, double top, double width, std::span<const SeriesEnd> ends,
                         bool lines);

}  // namespace snapkv::eval
