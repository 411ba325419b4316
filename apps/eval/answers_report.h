#pragma once

#include <span>
#include <string>

#include "eval/journal.h"
#include "eval/pictured_report.h"

namespace snapkv::eval {

/// Which pictures an experiment's answers are drawn as.
enum class AnswersLayout {
    Grid,   ///< needle: a heat map for each cache, length across, depth down
    Lines,  ///< by number of lines and by depth, all caches in one chart
    Sets,   ///< a table of sets with their mean, all caches; of LongBench-E also by its groups of length
    Tasks,  ///< the same, by length where there are several
};

/// Title, tables and pictures of what was asked; settings are the caller's. Scores are percentages, as papers have
/// them.
[[nodiscard]] PicturedReport answers_report(std::span<const Json> records, AnswersLayout layout,
                                            const std::string & title);

}  // namespace snapkv::eval
