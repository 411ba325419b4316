#pragma once

#include <span>
#include <string>

#include "eval/chart_frame.h"
#include "eval/svg_page.h"

namespace snapkv::eval {

/// How the names of equally wide columns stand under them.
struct ColumnLabels {
    std::size_t stride = 1;  ///< every how many columns one is written
    bool turned = false;     ///< on end, as they are too wide
    double height = 0;       ///< pixels that they take
};

/// Level where all fit; every second, fifth, ... where they are short; else turned.
[[nodiscard]] ColumnLabels plan_column_labels(std::span<const std::string> names, double column_width);

/// Writes the names under an area that the columns share evenly; returns where what follows may begin.
double add_column_labels(SvgPage & page, const PlotArea & area, std::span<const std::string> names,
                         const ColumnLabels & plan);

/// Of labels `pitch` pixels apart that need `room` each: every how many can be written, a round number.
[[nodiscard]] std::size_t label_stride(double room, double pitch);

}  // namespace snapkv::eval
