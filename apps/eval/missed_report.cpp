#include "eval/missed_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "eval/layer_pictures.h"
#include "eval/observe_report.h"
#include "eval/stacked_bars.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t kBins = MissedAttention::bins;

/// The missed rows of one bin: mean over the heads of a layer, or over all of them.
struct Part {
    double share = 0;  ///< of all attention
    double rows = 0;
};
using Parts = std::array<Part, kBins>;

/// Heads without a figure do not count.
Parts mean_parts(std::span<const Json> records) {
    Parts parts;
    double heads = 0;
    for (const Json & record : records) {
        for (std::size_t head = 0; head < record.at("missed").size(); ++head) {
            if (!record.at("missed").at(head).is_number()) {
                continue;
            }
            ++heads;
            for (std::size_t bin = 0; bin < kBins; ++bin) {
                parts[bin].share += record.at("shares").at(head).at(bin).get<double>();
                parts[bin].rows += record.at("rows").at(head).at(bin).get<double>();
            }
        }
    }
    for (Part & part : parts) {
        part.share = heads > 0 ? part.share / heads : std::numeric_limits<double>::quiet_NaN();
        part.rows = heads > 0 ? part.rows / heads : std::numeric_limits<double>::quiet_NaN();
    }
    return parts;
}

/// The share of bins [first, end).
double sum_of(const Parts & parts, std::size_t first, std::size_t end) {
    double sum = 0;
    for (std::size_t bin = first; bin < end; ++bin) {
        sum += parts[bin].share;
    }
    return sum;
}

/// Neighbouring bins that make one column of the table by layer.
struct Stretch {
    std::string name;
    std::size_t first;
    std::size_t end;
};

const std::vector<Stretch> & stretches() {
    static const auto bin = [](std::int64_t distance) { return MissedAttention::bin_of(distance); };
    static const std::vector<Stretch> list{{"missed", 0, kBins},
                                           {"-33 and beyond", 0, bin(-32)},
                                           {"-32 to -9", bin(-32), bin(-8)},
                                           {"-8 to -1", bin(-8), bin(1)},
                                           {"+1 to +8", bin(1), bin(9)},
                                           {"+9 to +32", bin(9), bin(33)},
                                           {"+33 and beyond", bin(33), kBins}};
    return list;
}

std::vector<std::string> bin_names() {
    std::vector<std::string> names;
    for (std::size_t bin = 0; bin < kBins; ++bin) {
        names.push_back(MissedAttention::bin_name(bin));
    }
    return names;
}

ReportSection by_distance(PicturedReport & made, std::span<const Json> records) {
    ReportSection section;
    section.heading = "By distance from the nearest kept row";
    section.text =
        "A positive distance: the missed row lies ahead of the kept one in the text. Mean over layers and query heads. "
        "Far bins hold many rows; what one row is worth shows in the last column, where 1 is what each of the prompt's "
        "missed rows would have if all were alike.";
    const Parts parts = mean_parts(records);
    const double missed = sum_of(parts, 0, kBins);
    double rows = 0;
    for (const Part & part : parts) {
        rows += part.rows;
    }
    section.table.columns = {{"distance", Align::Right},
                             {"rows", Align::Right},
                             {"share of the attention, %", Align::Right},
                             {"of what is missed, %", Align::Right},
                             {"per row", Align::Right}};
    StackedBars bars;
    bars.id = "distances";
    bars.title = "Attention to rows that are not kept";
    bars.category_title = "distance from the nearest kept row";
    bars.value_title = "share of the attention";
    bars.parts = {"missed"};
    for (std::size_t bin = 0; bin < kBins; ++bin) {
        const Part & part = parts[bin];
        const double density = (part.share / missed) / (part.rows / rows);
        section.table.rows.push_back({MissedAttention::bin_name(bin), fmt::format("{:.1f}", part.rows),
                                      fmt::format("{:.3f}", 100 * part.share), percent(part.share / missed),
                                      std::isnan(density) ? std::string("-") : fmt::format("{:.2f}", density)});
        bars.categories.push_back(MissedAttention::bin_name(bin));
        bars.shares.push_back({part.share});
    }
    made.add_picture(section, "by-distance", stacked_bars_svg(bars));
    return section;
}

ReportSection by_layer(PicturedReport & made, std::span<const Json> records) {
    ReportSection section;
    section.heading = "By layer and head";
    section.text = "Shares of the attention in percent, mean over a layer's query heads.";
    std::vector<ChartSeries> series;
    for (const Stretch & stretch : stretches()) {
        series.push_back({stretch.name, {}});
    }
    std::vector<Json> distances;  // as shares of what a layer misses
    for (const Json & record : records) {
        const Parts parts = mean_parts({&record, 1});
        for (std::size_t i = 0; i < series.size(); ++i) {
            const double share = sum_of(parts, stretches()[i].first, stretches()[i].end);
            series[i].points.push_back({record.at("layer").get<double>(), share, {}, {}});
        }
        Json shares = Json::array();
        for (const Part & part : parts) {
            shares.push_back(number_or_null(part.share / sum_of(parts, 0, kBins)));
        }
        distances.push_back({{"layer", record.at("layer")}, {"shares", std::move(shares)}});
    }
    section.table = table_of(series);
    made.add_picture(
        section, "by-layer",
        chart_over_layers("layers", "Attention to rows that are not kept", "share of the attention", {series.front()}));
    made.add_picture(section, "by-head",
                     head_map_svg(records, "heads", "Attention to rows that are not kept, by layer and head",
                                  "share of the attention",
                                  [](const Json & record) -> const Json & { return record.at("missed"); }));
    made.add_picture(
        section, "by-layer-and-distance",
        layer_map_svg(distances,
                      {"distances-by-layer", "Of what a layer misses: by distance from the nearest kept row",
                       "distance", bin_names(), "share of what is missed"},
                      [](const Json & record) -> const Json & { return record.at("shares"); }));
    return section;
}

}  // namespace

Json missed_record(const MissedAttention & study, std::uint32_t layer, std::uint32_t heads) {
    Json record{{"key", layer_key(layer)},
                {"layer", layer},
                {"missed", Json::array()},
                {"shares", Json::array()},
                {"rows", Json::array()}};
    for (std::uint32_t head = 0; head < heads; ++head) {
        double missed = 0;
        Json shares = Json::array();
        Json rows = Json::array();
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            const MissedAttention::Bin of = study.bin(layer, head, bin);
            missed += of.share;
            shares.push_back(number_or_null(of.share));
            rows.push_back(of.rows);
        }
        record["missed"].push_back(number_or_null(missed));
        record["shares"].push_back(std::move(shares));
        record["rows"].push_back(std::move(rows));
    }
    return record;
}

PicturedReport missed_report(std::span<const Json> records) {
    PicturedReport made;
    made.report.title = "What is missed, and how far from what is kept";
    made.report.introduction =
        "The attention that generated tokens give to rows of the prompt that a selection has not kept.";
    made.report.sections.push_back(by_distance(made, records));
    made.report.sections.push_back(by_layer(made, records));
    return made;
}

}  // namespace snapkv::eval
