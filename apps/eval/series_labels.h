#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "chart_frame.h"
#include "label_places.h"
#include "svg_page.h"

namespace snapkv::eval {

/// A series' name and the point that it belongs to.
struct SeriesEnd {
    std::size_t series = 0;
    std::string name;
    double x = 0;
    double y = 0;
    bool beside = false;  ///< wants its name in the plot, beside the point
};

/// Pixels to the right of the plot that add_series_labels() needs.
[[nodiscard]] double series_labels_width(std::span<const SeriesEnd> ends);

/// Names each series once: beside its point where that is wanted and `space` has room, else to the right of the plot at
/// about the height of the point, with a thin line to it.
void add_series_labels(SvgPage & page, const PlotArea & area, std::span<const SeriesEnd> ends, FreeSpace & space);

/// A legend in rows from `top` on, `width` pixels wide, with lines where `lines` says so. Returns where what follows
/// may begin.
double add_series_legend(SvgPage & page, double left, double top, double width, std::span<const SeriesEnd> ends,
                         bool lines);

}  // namespace snapkv::eval
