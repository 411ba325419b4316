#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/number_text.h"

namespace snapkv::eval {

/// What each category is made of, as bars of parts on top of each other. What is negative or not finite is no part: it
/// is left out, and a remark under the chart counts it.
struct StackedBars {
    std::string id;  ///< unique among the pictures of a page
    std::string title;
    std::string category_title;
    std::string value_title;
    std::vector<std::string> categories;
    std::vector<std::string> parts;           ///< from the foot of the bar up
    std::vector<std::vector<double>> shares;  ///< [category][part]
    NumberStyle numbers = NumberStyle::Percent;
    std::optional<double> to;  ///< the upright axis reaches at least to here
};

/// The chart as a whole SVG file. Parts differ by colour and by hatching.
[[nodiscard]] std::string stacked_bars_svg(const StackedBars & bars);

}  // namespace snapkv::eval
