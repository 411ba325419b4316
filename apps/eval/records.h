#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/journal.h"

namespace snapkv::eval {

/// A journal's answers, asked about. Refers to the records, which must outlive it.
class Records {
public:
    using Filter = std::function<bool(const Json &)>;

    explicit Records(std::span<const Json> records) : records_(records) {}

    /// The different texts of a field, in the order in which they first come.
    [[nodiscard]] std::vector<std::string> texts(const std::string & field, const Filter & filter = {}) const;
    /// The different places along one axis of the grid, ascending; none where records have no such axis.
    [[nodiscard]] std::vector<double> places(const std::string & axis, const Filter & filter = {}) const;
    /// The different values of a setting of the compressed caches (variant.h: settings_of), in the order in which they
    /// first come.
    [[nodiscard]] std::vector<std::string> cache_settings(const std::string & name) const;
    /// The metrics that were scored, in the order in which they first come.
    [[nodiscard]] std::vector<std::string> metrics(const Filter & filter = {}) const;
    /// Mean of a score, or of a numeric field; NaN where there is none.
    [[nodiscard]] double mean_score(const std::string & metric, const Filter & filter) const;
    [[nodiscard]] double mean(const std::string & field, const Filter & filter) const;
    [[nodiscard]] std::size_t count(const Filter & filter) const;

private:
    [[nodiscard]] double mean_of(const Filter & filter, const std::function<const Json *(const Json &)> & value) const;

    std::span<const Json> records_;
};

/// Records whose fields have these texts.
[[nodiscard]] Records::Filter where(std::vector<std::pair<std::string, std::string>> fields);
/// Records of caches with these settings.
[[nodiscard]] Records::Filter with_settings(std::vector<std::pair<std::string, std::string>> settings);
/// Records that lie there too.
[[nodiscard]] Records::Filter at(Records::Filter filter, std::string axis, double place);

}  // namespace snapkv::eval
