#include "eval/observe_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "eval/heat_map.h"
#include "eval/layer_pictures.h"
#include "eval/stacked_bars.h"

namespace snapkv::eval {

namespace {

Json record_of(std::uint32_t layer) {
    return {{"key", layer_key(layer)}, {"layer", layer}};
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
                     head_map_svg(records, "heads", "Hit rate by layer and head", kRate,
                                  [](const Json & record) -> const Json & { return record.at("heads"); }));
    made.report.sections.push_back(std::move(heads));
    return made;
}

}  // namespace

std::string layer_key(std::uint32_t layer) {
    return fmt::format("layer {}", layer);
}

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

namespace {

/// Over all pairs of sets.
double mean_overlap(std::span<const SelectedSets> sets, std::uint32_t layer, std::uint32_t kv_head) {
    double sum = 0;
    double pairs = 0;
    for (std::size_t one = 0; one < sets.size(); ++one) {
        for (std::size_t other = one + 1; other < sets.size(); ++other) {
            sum += sets[one].overlap(sets[other], layer, kv_head);
            ++pairs;
        }
    }
    return pairs > 0 ? sum / pairs : 1;
}

}  // namespace

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
    record["heads"] = Json::array();
    for (std::uint32_t kv_head = 0; kv_head < sets.front().kv_heads(); ++kv_head) {
        record["heads"].push_back(mean_overlap(sets, layer, kv_head));
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
    made.add_picture(section, "by-head",
                     head_map_svg(
                         records, "heads", "Overlap by layer and KV head, mean over pairs", "overlap",
                         [](const Json & record) -> const Json & { return record.at("heads"); }, "KV head"));
    made.report.sections.push_back(std::move(section));
    return made;
}

Json position_record(const HitRate & after, const HitRate & before, std::uint32_t layer, std::uint32_t heads) {
    Json record = record_of(layer);
    record["rates"] = {number_or_null(after.of_layer(layer, 0).rate()),
                       number_or_null(before.of_layer(layer, 0).rate())};
    record["heads"] = {head_rates(after, layer, heads, 0), head_rates(before, layer, heads, 0)};
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
    for (std::size_t i = 0; i < names.size(); ++i) {
        made.add_picture(section, i == 0 ? "by-head-after" : "by-head-before",
                         head_map_svg(records, fmt::format("heads{}", i), fmt::format("Hit rate, {}", names[i]), kRate,
                                      [i](const Json & record) -> const Json & { return record.at("heads").at(i); }));
    }
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
            head_map_svg(records, fmt::format("kept{}", i + 1), fmt::format("Share kept, budget {}", budgets[i]),
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
            shares.push_back(value_or_nan(part));
        }
    }
    made.add_picture(parts, "parts-by-layer", stacked_bars_svg(bars));
    made.report.sections.push_back(std::move(parts));
    return made;
}

}  // namespace snapkv::eval
