#pragma once

#include <string_view>

#include "eval/sample.h"

namespace snapkv::eval {

/// How an answer is scored. The headers of the functions say where each comes from.
enum class Metric {
    TokenF1,
    Rouge1,
    RougeL,
    NeedleRouge1,
    WordRecall,
    Classification,
    Retrieval,
    Count,
    CodeSimilarity,
    MatchAll,
    MatchPart,
    NumberRight,
    DigitsRight,
};

/// The word for it in options, files and tables.
[[nodiscard]] std::string_view name_of(Metric metric);
/// Throws Error(Usage) that lists the names where this is none of them.
[[nodiscard]] Metric metric_of(std::string_view name);

/// The score of a prediction, from 0 to 1. Where a metric compares with one reference it is the best over the sample's
/// answers, as in LongBench; MatchAll and MatchPart see all answers at once. A number is the first one where the sample
/// has an answer prefix, else the last. 0 for a sample without answers.
[[nodiscard]] double score(Metric metric, std::string_view prediction, const Sample & sample);

}  // namespace snapkv::eval
