#include "eval/stacked_bars.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

#include "eval/chart_frame.h"
#include "eval/column_labels.h"
#include "eval/series_look.h"
#include "eval/svg_page.h"
#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double widest_bar = 46;
constexpr double widest_part_name = 220;
constexpr double swatch = 14;

/// Lines over the colour of a part: none, rising, level, falling, dots, upright.
constexpr std::array<std::string_view, 6> hatchings{
    "", "M-1 1l2-2M0 8L8 0M7 9l2-2", "M0 2H8M0 6H8", "M-1 7l2 2M0 0L8 8M7-1l2 2", "M1 2h2M5 6h2", "M2 0V8M6 0V8"};

bool is_part(double share) {
    return Axis().has_place(share) && share >= 0;
}

/// Fills named "partN": the colour of the series under its hatching.
void add_fills(SvgPage & page, std::size_t count) {
    add_series_rules(page, count);
    page.rule("over", "fill:none;stroke:#fff;stroke-opacity:.75;stroke-width:1.3", "stroke:#14171a");
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view lines = hatchings[i % hatchings.size()];
        page.add(
            fmt::format("<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><rect {} "
                        "width=\"8\" height=\"8\"/>{}</pattern>\n",
                        page.name(fmt::format("part{}", i)), page.look(fmt::format("m{}", i % palette.size())),
                        lines.empty() ? "" : fmt::format("<path {} d=\"{}\"/>", page.look("over"), lines)));
    }
}

void add_box(SvgPage & page, std::size_t part, double x, double y, double width, double height,
             std::string_view inner) {
    page.add(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{})\">{}</rect>\n", pixels(x),
                         pixels(y), pixels(width), pixels(height), page.name(fmt::format("part{}", part)), inner));
}

Axis share_axis(const StackedBars & bars) {
    std::vector<double> totals;
    for (const std::vector<double> & category : bars.shares) {
        double total = 0;
        for (const double share : category) {
            total += is_part(share) ? share : 0;
        }
        // A sum of shares that rounding took past the end needs no further tick.
        totals.push_back(bars.to && total <= *bars.to * (1 + 1e-6) ? std::min(total, *bars.to) : total);
    }
    if (!totals.empty()) {
        totals.insert(totals.end(), {0.0, bars.to.value_or(0)});
    }
    return make_axis(totals, {AxisScale::Linear, bars.numbers, AxisEnds::Ticks, 8});
}

/// One bar from the foot up; a sliver of a pixel between parts stays free where they are high enough.
void add_bar(SvgPage & page, const StackedBars & bars, const PlotArea & area, const Axis & axis, std::size_t category) {
    const double pitch = area.width / static_cast<double>(bars.categories.size());
    const double width = std::min(pitch * 0.8, widest_bar);
    const double x = area.left + pitch * (static_cast<double>(category) + 0.5) - width / 2;
    double total = 0;
    for (std::size_t part = 0; part < bars.parts.size(); ++part) {
        const double share = bars.shares[category][part];
        if (!is_part(share) || share == 0) {
            continue;
        }
        const double foot = area.bottom() - area.height * axis.place(std::min(total, axis.high));
        total += share;
        const double head = area.bottom() - area.height * axis.place(std::min(total, axis.high));
        const double sliver = foot - head > 3 ? 1 : 0;
        add_box(page, part, x, head + sliver, width, foot - head - sliver,
                hint(fmt::format("{}{}{}, {}: {}", bars.category_title, bars.category_title.empty() ? "" : " ",
                                 bars.categories[category], bars.parts[part], value_text(share, bars.numbers))));
    }
}

double names_width(const StackedBars & bars) {
    double widest = 0;
    for (const std::string & name : bars.parts) {
        widest = std::max(widest, std::min(text_width(name, small_text), widest_part_name));
    }
    return bars.parts.empty() ? 24 : widest + swatch + 34;
}

/// Names in the order of the bars: the topmost part first.
void add_names(SvgPage & page, const StackedBars & bars, const PlotArea & area) {
    const double x = area.right() + 18;
    double y = area.top + 2;
    for (std::size_t part = bars.parts.size(); part-- > 0;) {
        add_box(page, part, x, y, swatch, swatch, {});
        page.text(x + swatch + 6, y + 11, fit_text(bars.parts[part], small_text, widest_part_name),
                  {.size = small_text, .full = bars.parts[part]});
        y += swatch + 8;
    }
}

std::string remark_of(const StackedBars & bars) {
    std::size_t all = 0;
    std::size_t missing = 0;
    for (const std::vector<double> & category : bars.shares) {
        all += category.size();
        missing += static_cast<std::size_t>(
            std::count_if(category.begin(), category.end(), [](double share) { return !is_part(share); }));
    }
    return missing == 0 ? ""
                        : fmt::format("Not shown: {} of {} parts, negative or without a finite value", missing, all);
}

}  // namespace

std::string stacked_bars_svg(const StackedBars & bars) {
    assert(bars.shares.size() == bars.categories.size());
    SvgPage page(bars.id);
    add_fills(page, bars.parts.size());
    const Axis axis = share_axis(bars);
    PlotArea area;
    area.left = y_axis_width(axis, bars.value_title);
    area.top = add_title(page, bars.title, area.left, chart_width - area.left - 20);
    area.width = chart_width - area.left - names_width(bars);
    const double names_height = (swatch + 8) * static_cast<double>(bars.parts.size());
    area.height = std::max(plot_height, names_height);

    add_y_axis(page, area, axis, bars.value_title);
    for (std::size_t category = 0; category < bars.categories.size(); ++category) {
        assert(bars.shares[category].size() == bars.parts.size());
        add_bar(page, bars, area, axis, category);
    }
    add_frame(page, area);
    add_names(page, bars, area);
    const double pitch = area.width / static_cast<double>(std::max<std::size_t>(bars.categories.size(), 1));
    double bottom = add_column_labels(page, area, bars.categories, plan_column_labels(bars.categories, pitch));
    bottom = add_x_title(page, area, bottom, bars.category_title);
    if (bars.categories.empty() || bars.parts.empty()) {
        add_no_data(page, area);
    }
    bottom = add_remark(page, area.left, bottom, remark_of(bars));
    return page.finish(chart_width, bottom + 8, bars.title);
}

}  // namespace snapkv::eval
