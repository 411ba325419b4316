#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/number_text.h"

namespace snapkv::eval {

/// A grid of values as colours, the first row on top. What is not finite counts as no value and is hatched.
struct HeatMap {
    std::string id;  ///< unique among the pictures of a page
    std::string title;
    std::string column_title;
    std::string row_title;
    std::string value_title;  ///< beside the colour bar
    std::vector<std::string> columns;
    std::vector<std::string> rows;
    std::vector<double> values;  ///< row after row, rows.size() * columns.size() of them
    NumberStyle numbers = NumberStyle::Plain;
    std::optional<double> low;  ///< of the colours; without it from the values. Values beyond take the end's colour
    std::optional<double> high;
};

/// The map as a whole SVG file, with the number in each cell where cells are large enough. An assertion where there are
/// more or fewer values than cells.
[[nodiscard]] std::string heat_map_svg(const HeatMap & map);

}  // namespace snapkv::eval
