#include "eval/answers_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "eval/heat_map.h"
#include "eval/line_chart.h"
#include "eval/longbench.h"
#include "eval/records.h"

namespace snapkv::eval {

namespace {

/// More caches cannot be told apart in one chart or table.
constexpr std::size_t kMostSideBySide = 12;

std::string percent_text(double share) {
    return std::isnan(share) ? std::string("-") : fmt::format("{:.1f}", 100 * share);
}

std::string mebibytes(double bytes) {
    return std::isnan(bytes) ? std::string("-") : fmt::format("{:.1f}", bytes / (1U << 20U));
}

std::string place_text(const std::string & axis, double place) {
    return axis == "depth" ? fmt::format("{:.0f} %", 100 * place) : value_text(place, NumberStyle::Tokens);
}

/// A report on answers while it is made.
class Maker {
public:
    Maker(std::span<const Json> records, const std::string & title) : records_(records) {
        made_.report.title = title;
        made_.report.introduction = fmt::format(
            "{} answers. Scores in percent; the caches of one question are branches of one prefill.", records.size());
        variants_ = records_.texts("variant");
        parts_ = records_.texts("part");
    }

    /// What each cache scores over all, and what it holds.
    void add_overview() {
        ReportSection section;
        section.heading = "Overview";
        const std::vector<std::string> metrics = records_.metrics();
        section.table.columns = {{"cache"}};
        for (const std::string & metric : metrics) {
            section.table.columns.push_back({metric, Align::Right});
        }
        for (const char * name : {"answers", "rows kept, %", "MiB kept", "decode, tok/s"}) {
            section.table.columns.push_back({name, Align::Right});
        }
        for (const std::string & variant : variants_) {
            const Records::Filter filter = where({{"variant", variant}});
            std::vector<std::string> row{variant};
            for (const std::string & metric : metrics) {
                row.push_back(percent_text(records_.mean_score(metric, filter)));
            }
            row.push_back(fmt::format("{}", records_.count(filter)));
            row.push_back(percent_text(records_.mean("rows_kept", filter) / records_.mean("rows_full", filter)));
            row.push_back(mebibytes(records_.mean("bytes_kept", filter)));
            row.push_back(fmt::format(
                "{:.0f}", 1000 * records_.mean("generated_tokens", filter) / records_.mean("predicted_ms", filter)));
            section.table.rows.push_back(std::move(row));
        }
        if (records_.mean("dropped", {}) > 0) {
            section.notes.emplace_back(
                "Some prompts were longer than the context: tokens were dropped from the middle "
                "of their documents.");
        }
        made_.report.sections.push_back(std::move(section));
    }

    /// One heat map a cache.
    void add_grid() {
        for (const std::string & part : parts_) {
            const std::string metric = records_.metrics(where({{"part", part}})).front();
            ReportSection section;
            section.heading = fmt::format("{} by length and depth", part);
            for (std::size_t i = 0; i < variants_.size(); ++i) {
                const Records::Filter filter = where({{"part", part}, {"variant", variants_[i]}});
                HeatMap map;
                map.id = fmt::format("grid{}", i + 1);
                map.title = fmt::format("{}: {}", part, variants_[i]);
                map.column_title = "prompt tokens";
                map.row_title = "depth of the answer";
                map.value_title = metric;
                map.low = 0;
                map.high = 1;
                const std::vector<double> lengths = records_.places("length", filter);
                const std::vector<double> depths = records_.places("depth", filter);
                for (const double length : lengths) {
                    map.columns.push_back(place_text("length", length));
                }
                for (const double depth : depths) {
                    map.rows.push_back(place_text("depth", depth));
                    for (const double length : lengths) {
                        map.values.push_back(
                            records_.mean_score(metric, at(at(filter, "length", length), "depth", depth)));
                    }
                }
                made_.add_picture(section, map.id, heat_map_svg(map));
            }
            made_.report.sections.push_back(std::move(section));
        }
    }

    /// Where several budgets and kernels were tried, and nothing else that a map would mix: a map of both for each
    /// pooling.
    void add_sweep() {
        for (const char * other :
             {"policy", "window", "recent", "evidence", "group", "allocation", "sink", "type", "rotated"}) {
            if (records_.cache_settings(other).size() > 1) {
                return;
            }
        }
        const std::vector<std::string> budgets = records_.cache_settings("budget");
        const std::vector<std::string> kernels = records_.cache_settings("kernel");
        if (budgets.size() < 2 || kernels.size() < 2) {
            return;
        }
        for (const std::string & metric : records_.metrics()) {
            ReportSection section;
            section.heading = fmt::format("{} by budget and kernel", metric);
            for (const std::string & pooling : records_.cache_settings("pooling")) {
                if (pooling == "none") {
                    section.notes.emplace_back("Without pooling the scores are those of kernel 1.");
                } else {
                    add_sweep_map(section, metric, pooling, budgets, kernels);
                }
            }
            made_.report.sections.push_back(std::move(section));
        }
    }

    /// Scores along one axis, a row a place and a column a cache; for each metric a table and a chart.
    void add_along(const std::string & axis, const std::string & axis_title, AxisScale scale) {
        const std::vector<double> places = records_.places(axis);
        if (places.size() < 2 || variants_.size() > kMostSideBySide) {
            return;
        }
        for (const std::string & metric : records_.metrics()) {
            ReportSection section;
            section.heading = fmt::format("{} by {}", metric, axis);
            section.table.columns = {{axis, Align::Right}};
            LineChart chart;
            chart.id = fmt::format("{}-by-{}", metric, axis);
            chart.title = section.heading;
            chart.x = {axis_title, scale, axis == "depth" ? NumberStyle::Percent : NumberStyle::Tokens, {}, {}};
            chart.y = {metric, AxisScale::Linear, NumberStyle::Percent, 0, 1};
            for (const std::string & variant : variants_) {
                section.table.columns.push_back({variant, Align::Right});
                ChartSeries & series = chart.series.emplace_back(ChartSeries{variant, {}});
                for (const double place : places) {
                    series.points.push_back(
                        {place, records_.mean_score(metric, at(where({{"variant", variant}}), axis, place)), {}, {}});
                }
            }
            for (std::size_t i = 0; i < places.size(); ++i) {
                std::vector<std::string> row{place_text(axis, places[i])};
                for (const ChartSeries & series : chart.series) {
                    row.push_back(percent_text(series.points[i].y));
                }
                section.table.rows.push_back(std::move(row));
            }
            made_.add_picture(section, chart.id, line_chart_svg(chart));
            made_.report.sections.push_back(std::move(section));
        }
    }

    /// Table 1's layout: a row a cache, a column a part, and their mean.
    void add_parts(const std::vector<std::string> & parts, const Records::Filter & filter,
                   const std::string & heading) {
        ReportSection section;
        section.heading = heading;
        section.table.columns = {{"cache"}};
        for (const std::string & part : parts) {
            section.table.columns.push_back({part, Align::Right});
        }
        section.table.columns.push_back({"mean", Align::Right});
        for (const std::string & variant : variants_) {
            std::vector<std::string> row{variant};
            double sum = 0;
            for (const std::string & part : parts) {
                const Records::Filter of_part = [&](const Json & record) {
                    return where({{"part", part}, {"variant", variant}})(record) && (!filter || filter(record));
                };
                const std::vector<std::string> metrics = records_.metrics(of_part);
                const double score = metrics.empty() ? NAN : records_.mean_score(metrics.front(), of_part);
                sum += score;
                row.push_back(percent_text(score));
            }
            row.push_back(percent_text(sum / static_cast<double>(parts.size())));
            section.table.rows.push_back(std::move(row));
        }
        made_.report.sections.push_back(std::move(section));
    }

    void add_all_parts() { add_parts(parts_, {}, "By set"); }

    /// The parts whose samples have lengths, for each length.
    void add_parts_by_length(const std::function<std::string(double)> & heading) {
        std::vector<std::string> parts;
        std::copy_if(parts_.begin(), parts_.end(), std::back_inserter(parts), [&](const std::string & part) {
            return !records_.places("length", where({{"part", part}})).empty();
        });
        for (const double length : records_.places("length")) {
            add_parts(parts, at({}, "length", length), heading(length));
        }
    }

    [[nodiscard]] PicturedReport take() { return std::move(made_); }

private:
    void add_sweep_map(ReportSection & section, const std::string & metric, const std::string & pooling,
                       const std::vector<std::string> & budgets, const std::vector<std::string> & kernels) {
        HeatMap map;
        map.id = fmt::format("{}-{}", metric, pooling);
        map.title = fmt::format("{}, pooling {}", metric, pooling);
        map.column_title = "kernel";
        map.row_title = "budget";
        map.value_title = metric;
        map.low = 0;
        map.high = 1;
        map.columns = kernels;
        map.rows = budgets;
        for (const std::string & budget : budgets) {
            for (const std::string & kernel : kernels) {
                map.values.push_back(records_.mean_score(
                    metric, with_settings({{"budget", budget}, {"kernel", kernel}, {"pooling", pooling}})));
            }
        }
        made_.add_picture(section, map.id, heat_map_svg(map));
    }

    Records records_;
    PicturedReport made_;
    std::vector<std::string> variants_;
    std::vector<std::string> parts_;
};

}  // namespace

PicturedReport answers_report(std::span<const Json> records, AnswersLayout layout, const std::string & title) {
    Maker maker(records, title);
    maker.add_overview();
    maker.add_sweep();
    switch (layout) {
        case AnswersLayout::Grid:
            maker.add_grid();
            maker.add_along("length", "prompt tokens", AxisScale::Log2);
            maker.add_along("depth", "depth of the answer in the document", AxisScale::Linear);
            break;
        case AnswersLayout::Lines:
            maker.add_along("lines", "lines of the document", AxisScale::Log2);
            maker.add_along("depth", "depth of the line in the document", AxisScale::Linear);
            break;
        case AnswersLayout::Sets:
            maker.add_all_parts();
            maker.add_parts_by_length(
                [](double length) { return fmt::format("Documents of {} words", length_group_text(length)); });
            break;
        case AnswersLayout::Tasks:
            maker.add_parts_by_length(
                [](double length) { return fmt::format("Prompts of {} tokens", place_text("length", length)); });
            break;
    }
    return maker.take();
}

}  // namespace snapkv::eval
