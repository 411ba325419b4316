#include "eval/colour_bar.h"

#include <algorithm>

#include "eval/chart_frame.h"
#include "eval/colour_ramp.h"
#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double bar_width = 14;

double labels_width(const Axis & axis) {
    double widest = 0;
    for (const std::string & label : axis.labels) {
        widest = std::max(widest, text_width(label, small_text));
    }
    return widest;
}

std::string gradient(const SvgPage & page) {
    std::string markup =
        fmt::format("<linearGradient id=\"{}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">", page.name("ramp"));
    for (std::size_t i = 0; i < ramp_stops; ++i) {
        const double share = static_cast<double>(i) / (ramp_stops - 1);
        markup += fmt::format("<stop offset=\"{:.1f}\" stop-color=\"{}\"/>", share, hex_text(ramp_colour(share)));
    }
    return markup + "</linearGradient>\n";
}

}  // namespace

double colour_bar_width(const Axis & axis, std::string_view title) {
    const double numbers = bar_width + 8 + labels_width(axis) + (title.empty() ? 0 : 24);
    return std::max(numbers, bar_width + 8 + text_width("no value", small_text)) + 8;
}

double add_colour_bar(SvgPage & page, double left, double top, double height, const Axis & axis, std::string_view title,
                      bool missing) {
    page.add(gradient(page));
    page.add(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{})\"/>\n", pixels(left),
                         pixels(top), pixels(bar_width), pixels(height), page.name("ramp")));
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
        const double y = top + height * (1 - axis.place(axis.ticks[i]));
        page.add(fmt::format("<path {} d=\"M{} {}h4\"/>\n", page.look("axis"), pixels(left + bar_width), pixels(y)));
        page.text(left + bar_width + 8, y + 4, axis.labels[i], {.size = small_text});
    }
    page.text(left + bar_width + 8 + labels_width(axis) + 18, top + height / 2, fit_text(title, 13, height + 20),
              {.anchor = "middle", .turn = -90, .full = title});
    if (!missing) {
        return top + height;
    }
    const double box = top + height + 14;
    add_hatched_box(page, left, box, bar_width, bar_width, {});
    page.text(left + bar_width + 8, box + 11, "no value", {.size = small_text});
    return box + bar_width;
}

void add_hatch(SvgPage & page) {
    page.rule("hatch", "stroke:#999;stroke-width:1", "stroke:#666");
    page.rule("blank", "fill:#f2f2f2", "fill:#22262a");
    page.add(
        fmt::format("<pattern id=\"{}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
                    "patternTransform=\"rotate(45)\"><rect {} width=\"5\" height=\"5\"/><path {} d=\"M0 0V5\"/>"
                    "</pattern>\n",
                    page.name("none"), page.look("blank"), page.look("hatch")));
}

void add_hatched_box(SvgPage & page, double x, double y, double width, double height, std::string_view inner) {
    page.add(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{})\">{}</rect>\n", pixels(x),
                         pixels(y), pixels(width), pixels(height), page.name("none"), inner));
}

}  // namespace snapkv::eval
