#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "eval/journal.h"
#include "eval/line_chart.h"
#include "eval/table.h"

namespace snapkv::eval {

// Tables and pictures over a model's layers, from records that have a "layer" each and lists of shares from 0 to 1.
// Null stands for no value: JSON has no NaN.

[[nodiscard]] Json number_or_null(double value);
[[nodiscard]] double value_or_nan(const Json & value);
/// In percent, to a tenth; a dash for no value.
[[nodiscard]] std::string percent(double share);

/// A list in each record, as a series over layers for each of its entries.
[[nodiscard]] std::vector<ChartSeries> series_of(std::span<const Json> records, const std::string & list,
                                                 std::span<const std::string> names);
/// Over the points that have a value; NaN where none has.
[[nodiscard]] double mean_of(const ChartSeries & series);
[[nodiscard]] std::string chart_over_layers(const std::string & id, const std::string & title, const std::string & y,
                                            std::vector<ChartSeries> series);
/// A row a layer, a column a series; the mean below.
[[nodiscard]] Table table_of(const std::vector<ChartSeries> & series);

/// A map with the layers down and the entries of a list across.
struct LayerMap {
    std::string id;  ///< unique among the pictures of a page
    std::string title;
    std::string column_title;
    std::vector<std::string> columns;
    std::string value_title;
};
/// A record's list.
using ListOf = std::function<const Json &(const Json & record)>;
[[nodiscard]] std::string layer_map_svg(std::span<const Json> records, const LayerMap & layers, const ListOf & list);
/// The same with an entry for each head; `head` says of which kind.
[[nodiscard]] std::string head_map_svg(std::span<const Json> records, const std::string & id, const std::string & title,
                                       const std::string & value, const ListOf & heads,
                                       const std::string & head = "query head");
/// "0", "1" and so on.
[[nodiscard]] std::vector<std::string> numbers_below(std::size_t count);

}  // namespace snapkv::eval
