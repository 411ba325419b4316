#include "eval/layer_pictures.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "eval/heat_map.h"

namespace snapkv::eval {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double value_or_nan(const Json & value) {
    return value.is_number() ? value.get<double>() : kNothing;
}

Json number_or_null(double value) {
    return std::isnan(value) ? Json(nullptr) : Json(value);
}

std::string percent(double share) {
    return std::isnan(share) ? std::string("-") : fmt::format("{:.1f}", 100 * share);
}

std::vector<ChartSeries> series_of(std::span<const Json> records, const std::string & list,
                                   std::span<const std::string> names) {
    std::vector<ChartSeries> series;
    for (std::size_t i = 0; i < names.size(); ++i) {
        ChartSeries & each = series.emplace_back(ChartSeries{names[i], {}});
        for (const Json & record : records) {
            each.points.push_back({record.at("layer").get<double>(), value_or_nan(record.at(list).at(i)), {}, {}});
        }
    }
    return series;
}

std::string chart_over_layers(const std::string & id, const std::string & title, const std::string & y,
                              std::vector<ChartSeries> series) {
    LineChart chart;
    chart.id = id;
    chart.title = title;
    chart.x = {"layer", AxisScale::Linear, NumberStyle::Whole, {}, {}};
    chart.y = {y, AxisScale::Linear, NumberStyle::Percent, 0, 1};
    chart.series = std::move(series);
    return line_chart_svg(chart);
}

double mean_of(const ChartSeries & series) {
    double sum = 0;
    double count = 0;
    for (const ChartPoint & point : series.points) {
        sum += std::isnan(point.y) ? 0 : point.y;
        count += std::isnan(point.y) ? 0 : 1;
    }
    return count > 0 ? sum / count : kNothing;
}

Table table_of(const std::vector<ChartSeries> & series) {
    Table table{{{"layer", Align::Right}}, {}};
    std::vector<std::string> means{"mean"};
    for (const ChartSeries & each : series) {
        table.columns.push_back({each.name, Align::Right});
        means.push_back(percent(mean_of(each)));
    }
    for (std::size_t i = 0; !series.empty() && i < series.front().points.size(); ++i) {
        std::vector<std::string> row{fmt::format("{:.0f}", series.front().points[i].x)};
        for (const ChartSeries & each : series) {
            row.push_back(percent(each.points[i].y));
        }
        table.rows.push_back(std::move(row));
    }
    table.rows.push_back(std::move(means));
    return table;
}

std::string layer_map_svg(std::span<const Json> records, const LayerMap & layers, const ListOf & list) {
    HeatMap map;
    map.id = layers.id;
    map.title = layers.title;
    map.columns = layers.columns;
    map.column_title = layers.column_title;
    map.row_title = "layer";
    map.value_title = layers.value_title;
    map.low = 0;
    map.high = 1;
    for (const Json & record : records) {
        map.rows.push_back(fmt::format("{}", record.at("layer").get<std::uint32_t>()));
        for (const Json & each : list(record)) {
            map.values.push_back(value_or_nan(each));
        }
    }
    return heat_map_svg(map);
}

std::vector<std::string> numbers_below(std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) {
        texts.push_back(fmt::format("{}", i));
    }
    return texts;
}

std::string head_map_svg(std::span<const Json> records, const std::string & id, const std::string & title,
                         const std::string & value, const ListOf & heads, const std::string & head) {
    const std::size_t count = records.empty() ? 0 : heads(records.front()).size();
    return layer_map_svg(records, {id, title, head, numbers_below(count), value}, heads);
}

}  // namespace snapkv::eval
