#include "eval/heat_map.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "eval/chart_frame.h"
#include "eval/colour_bar.h"
#include "eval/colour_ramp.h"
#include "eval/column_labels.h"
#include "eval/svg_page.h"
#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double largest_width = 64;
constexpr double largest_height = 28;
constexpr double least_grid = 220;  // of few columns: the title under them needs it
constexpr double smallest_cell = 8;
constexpr double grid_height = 400;  // where cells of that many rows may be so high
constexpr double longest_row_name = 200;
constexpr double least_width = 440;  // of the picture: titles need it
constexpr double bar_gap = 22;

/// Numbers in the cells: their texts, and the size of type in which all fit; 0 where none does.
struct CellTexts {
    std::vector<std::string> texts;
    double size = 0;
};

struct Layout {
    PlotArea area;
    double cell_width = 0;
    double cell_height = 0;

    [[nodiscard]] double x(std::size_t column) const { return area.left + cell_width * static_cast<double>(column); }
    [[nodiscard]] double y(std::size_t row) const { return area.top + cell_height * static_cast<double>(row); }
};

Axis colour_axis(const HeatMap & map) {
    const NumberStyle style = map.numbers;
    if (map.low && map.high) {
        return make_axis(std::vector{*map.low, *map.high}, {AxisScale::Linear, style, AxisEnds::Values, 8});
    }
    const Axis any;
    std::vector<double> values;
    for (const double value : map.values) {
        if (any.has_place(value)) {
            values.push_back(std::min(std::max(value, map.low.value_or(value)), map.high.value_or(value)));
        }
    }
    for (const std::optional<double> & limit : {map.low, map.high}) {
        if (limit) {
            values.push_back(*limit);
        }
    }
    return make_axis(values, {AxisScale::Linear, style, AxisEnds::Ticks, 8});
}

/// Two or three digits within the range of the colours; of shares and scores, hundredths.
double finest_step(const Axis & axis, double factor) {
    const double range = (axis.high - axis.low) * factor;
    const double step = std::pow(10, std::floor(std::log10(range / 100) + 1e-9));
    return range >= 0.1 ? std::max(step, 0.01) : step;
}

std::string cell_text(double value, const Axis & axis, NumberStyle style, double coarser) {
    if (style == NumberStyle::Tokens || style == NumberStyle::Bytes || style == NumberStyle::Whole) {
        return value_text(value, style);
    }
    const double factor = style == NumberStyle::Percent ? 100 : 1;
    return number_text(value * factor, finest_step(axis, factor) * coarser, NumberStyle::Plain);
}

/// Three signs of a share: ".62" for "0.62", "1.0" for "1.00".
std::string compact(std::string text) {
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    if (text.size() < sign + 3 || text[sign + 1] != '.') {
        return text;
    }
    return text[sign] == '0' ? text.erase(sign, 1) : text.erase(text.size() - 1);
}

/// The numbers in the largest type in which all fit; written shorter, then with a digit less, where that is what it
/// takes.
CellTexts cell_texts(const HeatMap & map, const Axis & axis, const Layout & layout) {
    CellTexts cells;
    for (const auto & [coarser, is_compact] : {std::pair{1.0, false}, std::pair{1.0, true}, std::pair{10.0, false}}) {
        cells.texts.clear();
        double widest = 0;
        for (const double value : map.values) {
            const std::string text = axis.has_place(value) ? cell_text(value, axis, map.numbers, coarser) : "";
            cells.texts.push_back(is_compact ? compact(text) : text);
            widest = std::max(widest, text_width(cells.texts.back(), 1));
        }
        for (const double size : {12.0, 11.0, 10.0, 9.0}) {
            if (widest * size + 4 <= layout.cell_width && size + 5 <= layout.cell_height) {
                cells.size = size;
                return cells;
            }
        }
    }
    return cells;
}

double row_names_width(const HeatMap & map) {
    double widest = 0;
    for (const std::string & name : map.rows) {
        widest = std::max(widest, std::min(text_width(name, small_text), longest_row_name));
    }
    return std::ceil(widest + 14 + (map.row_title.empty() ? 8 : 30));
}

/// All but the top, which depends on the title.
Layout make_layout(const HeatMap & map, const Axis & axis) {
    Layout layout;
    layout.area.left = row_names_width(map);
    const double room = chart_width - layout.area.left - bar_gap - colour_bar_width(axis, map.value_title);
    const auto columns = static_cast<double>(std::max<std::size_t>(map.columns.size(), 1));
    const auto rows = static_cast<double>(std::max<std::size_t>(map.rows.size(), 1));
    layout.cell_width = std::clamp(std::floor(room / columns), smallest_cell,
                                   std::max(largest_width, std::floor(least_grid / columns)));
    layout.cell_height = std::clamp(std::floor(grid_height / rows), smallest_cell, largest_height);
    layout.area.width = layout.cell_width * columns;
    layout.area.height = layout.cell_height * rows;
    return layout;
}

std::string named(std::string_view title, std::string_view name) {
    return fmt::format("{}{}{}", title, title.empty() ? "" : " ", name);
}

void add_cell(SvgPage & page, const HeatMap & map, const Axis & axis, const Layout & layout, std::size_t row,
              std::size_t column) {
    const double value = map.values[row * map.columns.size() + column];
    const bool shown = axis.has_place(value);
    const std::string words =
        hint(fmt::format("{}, {}: {}", named(map.column_title, map.columns[column]),
                         named(map.row_title, map.rows[row]), shown ? value_text(value, map.numbers) : "no value"));
    // A line of the page's own colour between cells that are large enough for it.
    const double line = std::min(layout.cell_width, layout.cell_height) >= 10 ? 1 : 0;
    const double width = layout.cell_width - line;
    const double height = layout.cell_height - line;
    if (!shown) {
        add_hatched_box(page, layout.x(column), layout.y(row), width, height, words);
        return;
    }
    page.add(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\">{}</rect>\n",
                         pixels(layout.x(column)), pixels(layout.y(row)), pixels(width), pixels(height),
                         hex_text(ramp_colour(axis.place(value))), words));
}

void add_numbers(SvgPage & page, const HeatMap & map, const Axis & axis, const Layout & layout) {
    const CellTexts cells = cell_texts(map, axis, layout);
    if (cells.size == 0) {
        return;
    }
    page.rule("dim", "fill:#000;pointer-events:none");
    page.rule("bright", "fill:#fff;pointer-events:none");
    for (std::size_t i = 0; i < map.values.size(); ++i) {
        if (cells.texts[i].empty()) {
            continue;
        }
        const double x = layout.x(i % map.columns.size()) + layout.cell_width / 2;
        const double y = layout.y(i / map.columns.size()) + layout.cell_height / 2 + cells.size * 0.35;
        const bool white = wants_white_text(ramp_colour(axis.place(map.values[i])));
        page.text(x, y, cells.texts[i], {.size = cells.size, .anchor = "middle", .colour = white ? "bright" : "dim"});
    }
}

void add_row_names(SvgPage & page, const HeatMap & map, const Layout & layout) {
    const std::size_t stride = label_stride(small_text, layout.cell_height);
    const std::size_t most_lines = layout.cell_height >= 2 * small_text + 2 ? 2 : 1;
    for (std::size_t row = 0; row < map.rows.size(); row += stride) {
        const auto lines = wrap_text(map.rows[row], small_text, longest_row_name, most_lines);
        const double size = lines.size() > 1 ? small_text - 1 : small_text;
        double y = layout.y(row) + layout.cell_height / 2 + size * 0.35;
        y -= lines.size() > 1 ? size / 2 : 0;
        for (const std::string & line : lines) {
            page.text(layout.area.left - 8, y, line, {.size = size, .anchor = "end", .full = map.rows[row]});
            y += size;
        }
    }
    page.text(20, layout.area.top + layout.area.height / 2,
              fit_text(map.row_title, 13, std::max(layout.area.height, 110.0)),
              {.anchor = "middle", .turn = -90, .full = map.row_title});
}

}  // namespace

std::string heat_map_svg(const HeatMap & map) {
    assert(map.values.size() == map.rows.size() * map.columns.size());
    SvgPage page(map.id);
    add_hatch(page);
    const Axis axis = colour_axis(map);
    Layout layout = make_layout(map, axis);
    const double bar_left = layout.area.right() + bar_gap;
    const double width = std::max(least_width, bar_left + colour_bar_width(axis, map.value_title));
    layout.area.top = std::ceil(add_title(page, map.title, layout.area.left, width - layout.area.left - 16) - 8);

    for (std::size_t row = 0; row < map.rows.size(); ++row) {
        for (std::size_t column = 0; column < map.columns.size(); ++column) {
            add_cell(page, map, axis, layout, row, column);
        }
    }
    add_numbers(page, map, axis, layout);
    add_row_names(page, map, layout);
    const ColumnLabels plan = plan_column_labels(map.columns, layout.cell_width);
    double bottom = add_column_labels(page, layout.area, map.columns, plan);
    bottom = add_x_title(page, layout.area, bottom, map.column_title);
    if (map.values.empty()) {
        add_no_data(page, layout.area);
    }
    const bool missing =
        std::any_of(map.values.begin(), map.values.end(), [&](double value) { return !axis.has_place(value); });
    const double bar_bottom =
        add_colour_bar(page, bar_left, layout.area.top, std::clamp(layout.area.height, 110.0, plot_height), axis,
                       map.value_title, missing);
    return page.finish(width, std::max(bottom, bar_bottom) + 10, map.title);
}

}  // namespace snapkv::eval
