#include "eval/chart_frame.h"

#include <algorithm>

#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double text_size = 13;
constexpr double title_size = 15;

/// A text whose baseline lies so that it is centred on y.
double centred(double y) {
    return y + text_size * 0.35;
}

}  // namespace

double add_title(SvgPage & page, std::string_view title, double left, double width) {
    double baseline = 24;
    for (const std::string & line : wrap_text(title, title_size, width, 3, true)) {
        page.text(left, baseline, line, {.size = title_size, .bold = true, .full = title});
        baseline += 20;
    }
    return baseline;
}

double y_axis_width(const Axis & axis, std::string_view title) {
    double widest = 0;
    for (const std::string & label : axis.labels) {
        widest = std::max(widest, text_width(label, text_size));
    }
    return widest + 16 + (title.empty() ? 0 : 26);
}

void add_y_axis(SvgPage & page, const PlotArea & area, const Axis & axis, std::string_view title) {
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
        const double y = area.bottom() - area.height * axis.place(axis.ticks[i]);
        page.add(fmt::format("<path {} d=\"M{} {}H{}\"/>\n", page.look("grid"), pixels(area.left), pixels(y),
                             pixels(area.right())));
        page.text(area.left - 8, centred(y), axis.labels[i], {.anchor = "end"});
    }
    page.text(20, area.top + area.height / 2, fit_text(title, text_size, area.height + 40),
              {.anchor = "middle", .turn = -90, .full = title});
}

double add_x_axis(SvgPage & page, const PlotArea & area, const Axis & axis, double inset, std::string_view title) {
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
        const double x = area.left + inset + (area.width - 2 * inset) * axis.place(axis.ticks[i]);
        page.add(fmt::format("<path {} d=\"M{} {}v5\"/>\n", page.look("axis"), pixels(x), pixels(area.bottom())));
        page.text(x, area.bottom() + 20, axis.labels[i], {.anchor = "middle"});
    }
    return add_x_title(page, area, area.bottom() + 24, title);
}

double add_x_title(SvgPage & page, const PlotArea & area, double top, std::string_view title) {
    if (title.empty()) {
        return top;
    }
    const double room = std::max(area.width, 240.0);
    page.text(area.left + area.width / 2, top + 17, fit_text(title, text_size, room),
              {.anchor = "middle", .full = title});
    return top + 24;
}

void add_frame(SvgPage & page, const PlotArea & area) {
    page.add(fmt::format("<path {} d=\"M{} {}V{}H{}\"/>\n", page.look("axis"), pixels(area.left), pixels(area.top),
                         pixels(area.bottom()), pixels(area.right())));
}

void add_no_data(SvgPage & page, const PlotArea & area) {
    page.text(area.left + area.width / 2, area.top + area.height / 2, "no data",
              {.anchor = "middle", .colour = "faint"});
}

double add_remark(SvgPage & page, double left, double top, std::string_view remark) {
    if (remark.empty()) {
        return top;
    }
    page.text(left, top + 14, remark, {.size = small_text, .colour = "faint"});
    return top + 20;
}

}  // namespace snapkv::eval
