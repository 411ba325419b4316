#include "eval/fidelity_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/fidelity_record.h"
#include "eval/line_chart.h"
#include "eval/records.h"

namespace snapkv::eval {

namespace {

/// One cache over all samples of a length.
struct Row {
    std::string variant;
    NextToken next;
    double share = 0;  ///< of the full f16 cache's bytes
    double bytes = 0;
    double rows = 0;  ///< a KV head keeps; 0: all
    double answer_f1 = 0;
};

std::vector<Row> rows_of(std::span<const Json> records, double length) {
    const Records all(records);
    std::vector<Row> rows;
    for (const std::string & variant : all.texts("variant")) {
        const Records::Filter filter = at(where({{"variant", variant}}), "length", length);
        Row row;
        row.variant = variant;
        row.bytes = all.mean("bytes_kept", filter);
        row.answer_f1 = all.mean("answer_f1", filter);
        for (const Json & record : records) {
            if (filter(record)) {
                const NextToken scored = scored_positions(record);
                for (const NextToken::Position & position : scored.positions()) {
                    row.next.add(position);
                }
                row.rows = record.value("compressed", false) ? record.value("budget", 0.0) : 0.0;
            }
        }
        rows.push_back(std::move(row));
    }
    double most = 0;
    for (const Row & row : rows) {
        most = std::max(most, row.bytes);
    }
    for (Row & row : rows) {
        row.share = row.bytes / most;
    }
    return rows;
}

Table table_of(const std::vector<Row> & rows) {
    Table table{{{"cache"},
                 {"MiB", Align::Right},
                 {"share", Align::Right},
                 {"mean KL", Align::Right},
                 {"99th percentile KL", Align::Right},
                 {"same first token", Align::Right},
                 {"perplexity ratio", Align::Right},
                 {"answer F1", Align::Right}},
                {}};
    for (const Row & row : rows) {
        table.rows.push_back(
            {row.variant, fmt::format("{:.2f}", row.bytes / (1U << 20U)), fmt::format("{:.1f} %", 100 * row.share),
             fmt::format("{:.4f}", row.next.divergence()), fmt::format("{:.3f}", row.next.divergence_quantile(0.99)),
             fmt::format("{:.1f} %", 100 * row.next.agreement()), fmt::format("{:.3f}", row.next.perplexity_ratio()),
             fmt::format("{:.3f}", row.answer_f1)});
    }
    return table;
}

/// Adds a point to the series of that name, which stays sorted.
void add_point(LineChart & chart, const std::string & name, const ChartPoint & point) {
    auto series = std::find_if(chart.series.begin(), chart.series.end(),
                               [&](const ChartSeries & other) { return other.name == name; });
    if (series == chart.series.end()) {
        chart.series.push_back({name, {}});
        series = chart.series.end() - 1;
    }
    const auto after =
        std::upper_bound(series->points.begin(), series->points.end(), point,
                         [](const ChartPoint & one, const ChartPoint & other) { return one.x < other.x; });
    series->points.insert(after, point);
}

/// A compressed cache's name without its budget: the policy, and what follows the first comma.
std::string without_budget(const Row & row) {
    const std::size_t comma = std::min(row.variant.find(','), row.variant.size());
    return row.variant.substr(0, row.variant.find(' ')) + row.variant.substr(comma);
}

/// The line that a cache's point lies on.
std::string line_of(const Row & row) {
    if (row.rows > 0) {
        return without_budget(row);
    }
    return row.variant.ends_with(", unrotated") ? "full, quantised, unrotated" : "full, quantised";
}

/// Bytes across, divergence up: full caches of several types joined, and compressed ones that differ in budget only.
std::string by_bytes(const std::vector<Row> & rows, const std::string & id, const std::string & title) {
    LineChart chart;
    chart.id = id;
    chart.title = title;
    chart.x = {"bytes of keys and values", AxisScale::Log2, NumberStyle::Bytes, {}, {}};
    chart.y = {"mean KL divergence from the full f16 cache", AxisScale::Log10, NumberStyle::Plain, {}, {}};
    for (const Row & row : rows) {
        // A budget as long as the prompt compresses nothing; no divergence has no place on the axis.
        if (row.next.divergence() > 0) {
            add_point(chart, line_of(row), {row.bytes, row.next.divergence(), {}, {}});
        }
    }
    return line_chart_svg(chart);
}

/// Rows across, agreement up, for compressed caches.
std::string by_budget(const std::vector<Row> & rows, const std::string & id, const std::string & title) {
    LineChart chart;
    chart.id = id;
    chart.title = title;
    chart.x = {"rows that a KV head keeps", AxisScale::Log2, NumberStyle::Tokens, {}, {}};
    chart.y = {"share of positions with the same first token", AxisScale::Linear, NumberStyle::Percent, {}, 1};
    for (const Row & row : rows) {
        if (row.rows > 0) {
            add_point(chart, without_budget(row), {row.rows, row.next.agreement(), {}, {}});
        }
    }
    return chart.series.empty() ? std::string() : line_chart_svg(chart);
}

}  // namespace

PicturedReport fidelity_report(std::span<const Json> records) {
    PicturedReport made;
    made.report.title = "Fidelity to the full cache";
    made.report.introduction =
        "The full f16 cache answers, and each cache is scored along the same tokens: how far its distribution of the "
        "next token lies from the full cache's (Kullback-Leibler divergence in nats), how often both favour the same "
        "token, how perplexity changes, and the F1 of its own answer against the full cache's. The first token is left "
        "out: it comes from the prefill, which is exact (but for a hidden question, read against what was kept).";
    const Records all(records);
    for (const double length : all.places("length")) {
        const std::vector<Row> rows = rows_of(records, length);
        ReportSection section;
        section.heading = fmt::format("Prompts of {:.0f} tokens", length);
        section.table = table_of(rows);
        const std::size_t positions = rows.empty() ? 0 : rows.front().next.positions().size();
        section.notes.push_back(fmt::format("{} positions scored for each cache.", positions));
        made.add_picture(section, fmt::format("divergence-by-bytes-{:.0f}", length),
                         by_bytes(rows, fmt::format("bytes{:.0f}", length),
                                  fmt::format("Divergence by bytes, prompts of {:.0f} tokens", length)));
        const std::string budgets = by_budget(rows, fmt::format("budgets{:.0f}", length),
                                              fmt::format("Agreement by budget, prompts of {:.0f} tokens", length));
        if (!budgets.empty()) {
            made.add_picture(section, fmt::format("agreement-by-budget-{:.0f}", length), budgets);
        }
        made.report.sections.push_back(std::move(section));
    }
    return made;
}

}  // namespace snapkv::eval
