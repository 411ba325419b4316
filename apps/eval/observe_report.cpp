#include "eval/observe_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

#include "eval/heat_map.h"
#include "eval/line_chart.h"
#include "eval/stacked_bars.h"

namespace snapkv::eval {

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// JSON has no NaN: null stands for it.
Json number_or_null(double value) {
    return std::isnan(value) ? Json(nullptr) : Json(value);
}

double value_of(const Json & value) {
    return value.is_number() ? value.get<double>() : kNothing;
}

Json record_of(std::uint32_t layer) {
    return {{"key", fmt::format("layer {}", layer)}, {"layer", layer}};
}

std::string percent(double share) {
    return std::isnan(share) ? std::string("-") : fmt::format("{:.1f}", 100 * share);
}

/// A list in each record, as a series over layers for each of its entries.
std::vector<ChartSeries> series_of(std::span<const Json> records, const std::string & list,
                                   std::span<const std::string> names) {
    std::vector<ChartSeries> series;
    for (std::size_t i = 0; i < names.size(); ++i) {
        ChartSeries & each = series.emplace_back(ChartSeries{names[i], {}});
        for (const Json & record : records) {
            each.points.push_back({record.at("layer").get<double>(), value_of(record.at(list).at(i)), {}, {}});
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

/// A row a layer, a column a series; the mean below.
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

/// The layers of which a budget keeps least: where a layer might better drop less.
std::string worst_layers(ChartSeries series) {
    constexpr std::size_t kNamed = 3;
    std::erase_if(series.points, [](const ChartPoint & point) { return std::isnan(point.y); });
    std::stable_sort(series.points.begin(), series.points.end(),
                     [](const ChartPoint & a, const ChartPoint & b) { return a.y < b.y; });
    std::vector<std::string> named;
    for (std::size_t i = 0; i < std::min(kNamed, series.points.size()); ++i) {
        named.push_back(fmt::format("{:.0f} ({} %)", series.points[i].x, percent(series.points[i].y)));
    }
    return fmt::format("Budget {} keeps least in layer {}; {} % on average.", series.name, fmt::join(named, ", "),
                       percent(mean_of(series)));
}

/// Layers down; across what each record's list has an entry for.
struct LayerMap {
    std::string id;
    std::string title;
    std::string column_title;
    std::vector<std::string> columns;
    std::string value_title;
};

std::string layer_map_svg(std::span<const Json> records, const LayerMap & layers,
                          const std::function<const Json &(const Json &)> & list) {
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
            map.values.push_back(value_of(each));
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

std::string head_map(std::span<const Json> records, const std::string & id, const std::string & title,
                     const std::string & value, const std::function<const Json &(const Json &)> & heads) {
    const std::size_t count = records.empty() ? 0 : heads(records.front()).size();
    return layer_map_svg(records, {id, title, "query head", numbers_below(count), value}, heads);
}

Json head_rates(const HitRate & study, std::uint32_t layer, std::uint32_t heads, std::uint32_t window) {
    Json list = Json::array();
    for (std::uint32_t head = 0; head < heads; ++head) {
        HitRate::Count count;
        for (std::uint32_t part = 0; part < study.config().generated_windows(); ++part) {
            count += study.count(layer, head, window, part);
        }
        list.push_back(number_or_null(count.rate()));
    }
    return list;
}

const char * kRate = "hit rate";
/// More lines than these cannot be told apart in one chart.
constexpr std::size_t kMostLines = 6;

PicturedReport rates_report(std::span<const Json> records, const std::string & title, const std::string & introduction,
                            std::span<const std::string> names) {
    PicturedReport made;
    made.report.title = title;
    made.report.introduction = introduction;
    ReportSection layers;
    layers.heading = "By layer";
    const std::vector<ChartSeries> series = series_of(records, "rates", names);
    layers.table = table_of(series);
    if (names.size() <= kMostLines) {
        made.add_picture(layers, "by-layer", chart_over_layers("layers", title, kRate, series));
    } else {
        std::vector<std::string> windows = numbers_below(names.size());
        std::reverse(windows.begin(), windows.end());
        made.add_picture(layers, "by-layer",
                         layer_map_svg(records, {"layers", title, "windows before the last", windows, kRate},
                                       [](const Json & record) -> const Json & { return record.at("rates"); }));
    }
    made.report.sections.push_back(std::move(layers));
    ReportSection heads;
    heads.heading = "By layer and head";
    heads.text =
        "The last window before the prompt's end, against all that was generated. Hatched: the head gave no "
        "position of the prefix more than the threshold.";
    made.add_picture(heads, "by-head",
                     head_map(records, "heads", "Hit rate by layer and head", kRate,
                              [](const Json & record) -> const Json & { return record.at("heads"); }));
    made.report.sections.push_back(std::move(heads));
    return made;
}

}  // namespace

Json windows_record(const HitRate & study, std::uint32_t layer, std::uint32_t heads) {
    Json record = record_of(layer);
    record["rates"] = Json::array();
    for (std::uint32_t window = 0; window < study.config().windows; ++window) {
        record["rates"].push_back(number_or_null(study.of_layer(layer, window).rate()));
    }
    record["heads"] = head_rates(study, layer, heads, study.config().windows - 1);
    return record;
}

PicturedReport windows_report(std::span<const Json> records) {
    std::vector<std::string> names;
    const std::size_t windows = records.empty() ? 0 : records.front().at("rates").size();
    for (std::size_t i = 0; i < windows; ++i) {
        names.push_back(i + 1 == windows ? "the last" : fmt::format("{} before the last", windows - 1 - i));
    }
    return rates_report(records, "What windows of the prompt know of the answer",
                        "Figure 2 of the paper. Of the prefix positions that generated tokens attend to with more than "
                        "the threshold, the share that each window of the prompt had selected, by layer.",
                        names);
}

Json generation_record(const HitRate & study, std::uint32_t layer, std::uint32_t heads) {
    Json record = record_of(layer);
    record["rates"] = Json::array();
    for (std::uint32_t part = 0; part < study.config().generated_windows(); ++part) {
        record["rates"].push_back(number_or_null(study.of_layer(layer, study.config().windows - 1, part).rate()));
    }
    record["heads"] = head_rates(study, layer, heads, study.config().windows - 1);
    return record;
}

PicturedReport generation_report(std::span<const Json> records) {
    std::vector<std::string> names;
    const std::size_t parts = records.empty() ? 0 : records.front().at("rates").size();
    for (std::size_t i = 0; i < parts; ++i) {
        names.push_back(fmt::format("generated window {}", i + 1));
    }
    return rates_report(records, "Whether the selection lasts while the answer grows",
                        "Figure 3 of the paper. The hit rate of the prompt's last window against successive windows of "
                        "generated tokens, by layer.",
                        names);
}

Json instructions_record(std::span<const SelectedSets> sets, std::uint32_t layer) {
    Json record = record_of(layer);
    record["overlap"] = Json::array();
    for (const SelectedSets & one : sets) {
        Json row = Json::array();
        for (const SelectedSets & other : sets) {
            row.push_back(one.overlap(other, layer));
        }
        record["overlap"].push_back(std::move(row));
    }
    return record;
}

PicturedReport instructions_report(std::span<const Json> records, std::span<const std::string> names) {
    PicturedReport made;
    made.report.title = "What different instructions select of the same document";
    made.report.introduction =
        "Figure 4 of the paper. Of the positions that one instruction (with its answer) selects, "
        "the share that another selects too, by layer.";
    std::vector<ChartSeries> pairs;
    std::vector<std::vector<double>> means(names.size(), std::vector<double>(names.size()));
    for (std::size_t one = 0; one < names.size(); ++one) {
        for (std::size_t other = 0; other < names.size(); ++other) {
            ChartSeries series{fmt::format("{} and {}", one + 1, other + 1), {}};
            for (const Json & record : records) {
                const double overlap = record.at("overlap").at(one).at(other).get<double>();
                series.points.push_back({record.at("layer").get<double>(), overlap, {}, {}});
                means[one][other] += overlap / static_cast<double>(records.size());
            }
            if (one < other) {
                pairs.push_back(std::move(series));
            }
        }
    }
    ReportSection section;
    section.heading = "By layer";
    section.table = table_of(pairs);
    for (std::size_t i = 0; i < names.size(); ++i) {
        section.notes.push_back(fmt::format("{}: {}", i + 1, names[i]));
    }
    made.add_picture(section, "by-layer",
                     chart_over_layers("layers", "Overlap of what two instructions select", "overlap", pairs));
    HeatMap map;
    map.id = "pairs";
    map.title = "Overlap, mean over layers";
    map.column_title = "instruction";
    map.row_title = "instruction";
    map.value_title = "overlap";
    map.low = 0;
    map.high = 1;
    for (std::size_t i = 0; i < names.size(); ++i) {
        map.columns.push_back(fmt::format("{}", i + 1));
        map.rows.push_back(fmt::format("{}", i + 1));
        map.values.insert(map.values.end(), means[i].begin(), means[i].end());
    }
    made.add_picture(section, "by-pair", heat_map_svg(map));
    made.report.sections.push_back(std::move(section));
    return made;
}

Json position_record(const HitRate & after, const HitRate & before, std::uint32_t layer) {
    Json record = record_of(layer);
    record["rates"] = {number_or_null(after.of_layer(layer, 0).rate()),
                       number_or_null(before.of_layer(layer, 0).rate())};
    return record;
}

PicturedReport position_report(std::span<const Json> records) {
    const std::vector<std::string> names{"instruction after the document", "instruction before the document"};
    PicturedReport made;
    made.report.title = "Where the instruction stands";
    made.report.introduction =
        "Figure 5 of the paper. The hit rate of the prompt's last window against what is "
        "generated, with the instruction after and before the document.";
    ReportSection section;
    section.heading = "By layer";
    const std::vector<ChartSeries> series = series_of(records, "rates", names);
    section.table = table_of(series);
    made.add_picture(section, "by-layer", chart_over_layers("layers", made.report.title, kRate, series));
    made.report.sections.push_back(std::move(section));
    return made;
}

Json mass_record(const AttentionMass & study, std::uint32_t layer, std::uint32_t heads, std::size_t budgets) {
    Json record = record_of(layer);
    record["kept"] = Json::array();
    record["heads"] = Json::array();
    for (std::size_t budget = 0; budget < budgets; ++budget) {
        record["kept"].push_back(number_or_null(study.kept(layer, budget)));
        Json list = Json::array();
        for (std::uint32_t head = 0; head < heads; ++head) {
            list.push_back(number_or_null(study.kept(layer, head, budget)));
        }
        record["heads"].push_back(std::move(list));
    }
    record["parts"] = Json::array();
    for (std::size_t part = 0; part < AttentionMass::kParts; ++part) {
        record["parts"].push_back(number_or_null(study.part(layer, static_cast<AttentionMass::Part>(part))));
    }
    return record;
}

PicturedReport mass_report(std::span<const Json> records, std::span<const std::string> budgets) {
    PicturedReport made;
    made.report.title = "What a budget keeps of the attention";
    made.report.introduction =
        "The share of the attention of generated tokens that falls on what a budget keeps (the "
        "selected positions, the window and what was generated since), and where attention lies.";
    ReportSection kept;
    kept.heading = "Share of the attention that is kept";
    const std::vector<ChartSeries> series = series_of(records, "kept", budgets);
    kept.table = table_of(series);
    std::transform(series.begin(), series.end(), std::back_inserter(kept.notes), worst_layers);
    made.add_picture(kept, "kept-by-layer", chart_over_layers("kept", kept.heading, "share kept", series));
    for (std::size_t i = 0; i < budgets.size(); ++i) {
        made.add_picture(
            kept, fmt::format("kept-by-head-{}", i + 1),
            head_map(records, fmt::format("kept{}", i + 1), fmt::format("Share kept, budget {}", budgets[i]),
                     "share kept", [i](const Json & record) -> const Json & { return record.at("heads").at(i); }));
    }
    made.report.sections.push_back(std::move(kept));

    ReportSection parts;
    parts.heading = "What each layer attends to";
    StackedBars bars;
    bars.id = "parts";
    bars.title = parts.heading;
    bars.category_title = "layer";
    bars.value_title = "share";
    bars.to = 1;
    bars.parts = {"sinks: the first 4", "recent: the last 64", "local: up to 512", "far"};
    for (const Json & record : records) {
        bars.categories.push_back(fmt::format("{}", record.at("layer").get<std::uint32_t>()));
        std::vector<double> & shares = bars.shares.emplace_back();
        for (const Json & part : record.at("parts")) {
            shares.push_back(value_of(part));
        }
    }
    made.add_picture(parts, "parts-by-layer", stacked_bars_svg(bars));
    made.report.sections.push_back(std::move(parts));
    return made;
}

}  // namespace snapkv::eval
