#include "eval/line_chart.h"

#include <algorithm>
#include <cstddef>

#include "eval/chart_frame.h"
#include "eval/label_places.h"
#include "eval/series_labels.h"
#include "eval/series_look.h"
#include "eval/svg_page.h"
#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t most_direct_names = 8;
constexpr std::size_t most_markers = 64;  // on one series; longer ones get a marker now and then
constexpr double narrow_margin = 24;
constexpr double inset = 10;  // keeps markers off the upright axis

struct PlacedPoint {
    const ChartPoint * point = nullptr;
    double x = 0;
    double y = 0;
};

/// A series in pixels: stretches between points that have no place.
struct Trace {
    std::vector<std::vector<PlacedPoint>> runs;

    [[nodiscard]] const PlacedPoint * last() const { return runs.empty() ? nullptr : &runs.back().back(); }
};

/// The axes, where they lie, and what could not be placed.
struct Plot {
    Axis x;
    Axis y;
    PlotArea area;

    [[nodiscard]] double place_x(double value) const {
        return area.left + inset + (area.width - 2 * inset) * x.place(value);
    }
    [[nodiscard]] double place_y(double value) const { return area.bottom() - area.height * y.place(value); }
};

bool has_place(const ChartPoint & point, const Axis & x, const Axis & y) {
    return x.has_place(point.x) && y.has_place(point.y);
}

/// Limits count only where there is something to show.
void add_limits(std::vector<double> & values, const ChartAxis & axis) {
    for (const std::optional<double> & limit : {axis.from, axis.to}) {
        if (limit && !values.empty()) {
            values.push_back(*limit);
        }
    }
}

Axis x_axis(const std::vector<double> & values, const ChartAxis & axis, double width) {
    for (int most = 9;; --most) {
        Axis made = make_axis(values, {axis.scale, axis.numbers, AxisEnds::Values, most});
        double labels = 0;
        for (const std::string & label : made.labels) {
            labels = std::max(labels, text_width(label, 13) + 14);
        }
        if (most <= 4 || labels * static_cast<double>(made.labels.size()) <= width) {
            return made;
        }
    }
}

Plot make_plot(const LineChart & chart) {
    Plot plot;
    plot.x.scale = chart.x.scale;
    plot.y.scale = chart.y.scale;
    std::vector<double> xs;
    std::vector<double> ys;
    for (const ChartSeries & series : chart.series) {
        for (const ChartPoint & point : series.points) {
            if (has_place(point, plot.x, plot.y)) {
                xs.push_back(point.x);
                ys.insert(ys.end(), {point.y, point.low.value_or(point.y), point.high.value_or(point.y)});
            }
        }
    }
    add_limits(xs, chart.x);
    add_limits(ys, chart.y);
    plot.y = make_axis(ys, {chart.y.scale, chart.y.numbers, AxisEnds::Ticks, 8});
    plot.area.left = y_axis_width(plot.y, chart.y.title);
    plot.x = x_axis(xs, chart.x, chart_width - plot.area.left - 200);
    return plot;
}

Trace trace_of(const ChartSeries & series, const Plot & plot) {
    Trace trace;
    bool joined = false;
    for (const ChartPoint & point : series.points) {
        if (!has_place(point, plot.x, plot.y)) {
            joined = false;
            continue;
        }
        if (!joined) {
            trace.runs.emplace_back();
        }
        trace.runs.back().push_back({&point, plot.place_x(point.x), plot.place_y(point.y)});
        joined = true;
    }
    return trace;
}

std::string hint_of(const LineChart & chart, const ChartSeries & series, const ChartPoint & point, const Axis & y) {
    std::string words = series.name + (series.name.empty() ? "" : ": ") + value_text(point.x, chart.x.numbers) + ", " +
                        value_text(point.y, chart.y.numbers);
    if (point.low && point.high && y.has_place(*point.low) && y.has_place(*point.high)) {
        words += fmt::format(" ({} to {})", value_text(*point.low, chart.y.numbers),
                             value_text(*point.high, chart.y.numbers));
    }
    return hint(words);
}

/// The end of a spread in pixels; a spread down to 0 ends at the foot of a logarithmic axis.
std::optional<double> spread_end(const std::optional<double> & value, const Plot & plot) {
    if (!value || (!plot.y.has_place(*value) && !(*value <= 0))) {
        return std::nullopt;
    }
    return plot.y.has_place(*value) ? plot.place_y(*value) : plot.area.bottom();
}

void add_lines(SvgPage & page, const Trace & trace, std::size_t index) {
    for (const std::vector<PlacedPoint> & run : trace.runs) {
        if (run.size() < 2) {
            continue;
        }
        std::string path;
        for (const PlacedPoint & at : run) {
            path += fmt::format("{}{} {}", path.empty() ? 'M' : 'L', pixels(at.x), pixels(at.y));
        }
        page.add(fmt::format("<path {} d=\"{}\"/>\n", line_look(page, index), path));
    }
}

void add_points(SvgPage & page, const LineChart & chart, const Plot & plot, const Trace & trace, std::size_t index) {
    const ChartSeries & series = chart.series[index];
    const std::size_t stride = series.line ? series.points.size() / (most_markers + 1) + 1 : 1;
    std::size_t number = 0;
    for (const std::vector<PlacedPoint> & run : trace.runs) {
        for (const PlacedPoint & at : run) {
            const auto low = spread_end(at.point->low, plot);
            const auto high = spread_end(at.point->high, plot);
            if (low && high) {
                page.add(fmt::format("<path {} stroke-width=\"1.2\" d=\"M{} {}V{}\"/>\n", thin_look(page, index),
                                     pixels(at.x), pixels(*low), pixels(*high)));
            }
            if (number++ % stride == 0 || &at == trace.last()) {
                page.add(marker(page, index, at.x, at.y, hint_of(chart, series, *at.point, plot.y)));
            }
        }
    }
}

/// The series in pixels, and where their names stand, for a plot of one width.
struct Layout {
    std::vector<Trace> traces;
    std::vector<SeriesEnd> ends;  ///< of the series that are shown and have names
    std::vector<std::optional<Box>> labels;
};

void take_space(FreeSpace & space, const Trace & trace, const Plot & plot, bool line) {
    for (const std::vector<PlacedPoint> & run : trace.runs) {
        for (std::size_t i = 0; i < run.size(); ++i) {
            space.take({run[i].x - 6, run[i].y - 6, 12, 12});
            const auto low = spread_end(run[i].point->low, plot);
            const auto high = spread_end(run[i].point->high, plot);
            if (low && high) {
                space.take_line(run[i].x, *low, run[i].x, *high);
            }
            if (line && i > 0) {
                space.take_line(run[i - 1].x, run[i - 1].y, run[i].x, run[i].y);
            }
        }
    }
}

Layout lay_out(const LineChart & chart, const Plot & plot) {
    constexpr double near_the_margin = 60;
    Layout layout;
    FreeSpace space({plot.area.left, plot.area.top, plot.area.width, plot.area.height});
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
        const ChartSeries & series = chart.series[i];
        layout.traces.push_back(trace_of(series, plot));
        take_space(space, layout.traces[i], plot, series.line);
        if (const PlacedPoint * last = layout.traces[i].last(); last != nullptr && !series.name.empty()) {
            const bool beside = !series.line || last->x < plot.area.right() - near_the_margin;
            layout.ends.push_back({i, series.name, last->x, last->y, beside});
        }
    }
    if (layout.ends.size() <= most_direct_names) {
        layout.labels = plan_series_labels(layout.ends, space);
    }
    return layout;
}

/// Gives the plot the whole width where no name needs the margin.
Layout fit_to_width(const LineChart & chart, Plot & plot) {
    plot.area.width = chart_width - plot.area.left - narrow_margin;
    Layout layout = lay_out(chart, plot);
    if (std::any_of(layout.labels.begin(), layout.labels.end(), [](const auto & label) { return !label; })) {
        plot.area.width = chart_width - plot.area.left - std::max(narrow_margin, series_labels_width(layout.ends));
        layout = lay_out(chart, plot);
    }
    return layout;
}

std::string remark_of(const LineChart & chart, const Plot & plot) {
    std::size_t all = 0;
    std::size_t missing = 0;
    for (const ChartSeries & series : chart.series) {
        all += series.points.size();
        missing += static_cast<std::size_t>(
            std::count_if(series.points.begin(), series.points.end(),
                          [&](const ChartPoint & point) { return !has_place(point, plot.x, plot.y); }));
    }
    if (missing == 0) {
        return {};
    }
    const bool linear = chart.x.scale == AxisScale::Linear && chart.y.scale == AxisScale::Linear;
    return fmt::format("Not shown: {} of {} points, without a finite value{}", missing, all,
                       linear ? "" : " or not above 0 on a logarithmic axis");
}

}  // namespace

std::string line_chart_svg(const LineChart & chart) {
    SvgPage page(chart.id);
    add_series_rules(page, chart.series.size());
    Plot plot = make_plot(chart);
    plot.area.top = add_title(page, chart.title, plot.area.left, chart_width - plot.area.left - 20);
    plot.area.height = plot_height;
    const Layout layout = fit_to_width(chart, plot);

    add_y_axis(page, plot.area, plot.y, chart.y.title);
    double bottom = add_x_axis(page, plot.area, plot.x, inset, chart.x.title);
    add_frame(page, plot.area);
    for (std::size_t i = 0; i < layout.traces.size(); ++i) {
        if (chart.series[i].line) {
            add_lines(page, layout.traces[i], i);
        }
    }
    for (std::size_t i = 0; i < layout.traces.size(); ++i) {
        add_points(page, chart, plot, layout.traces[i], i);
    }
    const auto is_empty = [](const Trace & trace) { return trace.runs.empty(); };
    if (std::all_of(layout.traces.begin(), layout.traces.end(), is_empty)) {
        add_no_data(page, plot.area);
    } else if (layout.ends.size() <= most_direct_names) {
        add_series_labels(page, plot.area, layout.ends, layout.labels);
    } else {
        const auto has_line = [](const ChartSeries & series) { return series.line; };
        const bool lines = std::any_of(chart.series.begin(), chart.series.end(), has_line);
        bottom = add_series_legend(page, plot.area.left, bottom + 6, plot.area.width, layout.ends, lines);
    }
    bottom = add_remark(page, plot.area.left, bottom, remark_of(chart, plot));
    return page.finish(chart_width, bottom + 8, chart.title);
}

}  // namespace snapkv::eval
