#include "eval/column_labels.h"

#include <algorithm>
#include <cmath>

#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double line_height = 14;
constexpr double gap = 6;
constexpr double level_gap = 4;    // between names side by side
constexpr double short_name = 40;  // numbers and the like: the ones left out can be told from their neighbours
constexpr double longest_name = 130;

double widest_of(std::span<const std::string> names) {
    double widest = 0;
    for (const std::string & name : names) {
        widest = std::max(widest, text_width(name, small_text));
    }
    return widest;
}

}  // namespace

std::size_t label_stride(double room, double pitch) {
    for (std::size_t power = 1;; power *= 10) {
        for (const std::size_t mantissa : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
            if (static_cast<double>(mantissa * power) * pitch >= room) {
                return mantissa * power;
            }
        }
    }
}

ColumnLabels plan_column_labels(std::span<const std::string> names, double column_width) {
    const double widest = widest_of(names);
    if (widest + level_gap <= column_width || widest <= short_name) {
        return {label_stride(widest + level_gap, column_width), false, line_height + gap};
    }
    return {label_stride(line_height, column_width), true, std::min(widest, longest_name) + gap};
}

double add_column_labels(SvgPage & page, const PlotArea & area, std::span<const std::string> names,
                         const ColumnLabels & plan) {
    const double pitch = area.width / static_cast<double>(std::max<std::size_t>(names.size(), 1));
    for (std::size_t i = 0; i < names.size(); i += plan.stride) {
        const double x = area.left + pitch * (static_cast<double>(i) + 0.5);
        if (plan.turned) {
            page.text(x + small_text * 0.35, area.bottom() + gap, fit_text(names[i], small_text, longest_name),
                      {.size = small_text, .anchor = "end", .turn = -90, .full = names[i]});
        } else {
            page.text(x, area.bottom() + line_height + 2, names[i], {.size = small_text, .anchor = "middle"});
        }
    }
    return area.bottom() + plan.height;
}

}  // namespace snapkv::eval
