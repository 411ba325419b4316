#include "eval/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <string>

#include "eval/edit_similarity.h"
#include "eval/fail.h"
#include "eval/labels.h"
#include "eval/needle_rouge.h"
#include "eval/number_answer.h"
#include "eval/rouge.h"
#include "eval/string_match.h"
#include "eval/token_overlap.h"

namespace snapkv::eval {
namespace {

template <typename Compare>
double best(const Sample & sample, const Compare & compare) {
    double result = 0;
    for (const std::string & answer : sample.answers) {
        result = std::max(result, compare(answer));
    }
    return result;
}

/// The best over the answers of a function of prediction and reference alone.
template <double (*compare)(std::string_view, std::string_view)>
double best_of(std::string_view prediction, const Sample & sample) {
    return best(sample, [&](std::string_view answer) { return compare(prediction, answer); });
}

template <double (*compare)(std::string_view, std::string_view, WhichNumber)>
double best_number(std::string_view prediction, const Sample & sample) {
    const WhichNumber which = sample.answer_prefix.empty() ? WhichNumber::Last : WhichNumber::First;
    return best(sample, [&](std::string_view answer) { return compare(prediction, answer, which); });
}

template <double (*compare)(std::string_view, std::span<const std::string>)>
double of_all(std::string_view prediction, const Sample & sample) {
    return compare(prediction, sample.answers);
}

double best_class(std::string_view prediction, const Sample & sample) {
    return best(sample,
                [&](std::string_view answer) { return classification_score(prediction, answer, sample.classes); });
}

struct Row {
    Metric metric;
    std::string_view name;
    double (*score)(std::string_view prediction, const Sample & sample);
};

constexpr std::array rows{
    Row{Metric::TokenF1, "token-f1", best_of<token_f1>},
    Row{Metric::Rouge1, "rouge-1", best_of<rouge_1>},
    Row{Metric::RougeL, "rouge-l", best_of<rouge_l>},
    Row{Metric::NeedleRouge1, "needle-rouge-1", best_of<needle_rouge_1>},
    Row{Metric::WordRecall, "word-recall", best_of<word_recall>},
    Row{Metric::Classification, "classification", best_class},
    Row{Metric::Retrieval, "retrieval", best_of<retrieval_score>},
    Row{Metric::Count, "count", best_of<count_score>},
    Row{Metric::CodeSimilarity, "code-similarity", best_of<code_similarity>},
    Row{Metric::MatchAll, "match-all", of_all<match_all>},
    Row{Metric::MatchPart, "match-part", of_all<match_part>},
    Row{Metric::NumberRight, "number-right", best_number<number_right>},
    Row{Metric::DigitsRight, "digits-right", best_number<digits_right>},
};

const Row & row_of(Metric metric) {
    const auto * const row =
        std::find_if(rows.begin(), rows.end(), [&](const Row & candidate) { return candidate.metric == metric; });
    assert(row != rows.end());
    return *row;
}

}  // namespace

std::string_view name_of(Metric metric) {
    return row_of(metric).name;
}

Metric metric_of(std::string_view name) {
    std::string names;
    for (const Row & row : rows) {
        if (row.name == name) {
            return row.metric;
        }
        names += names.empty() ? "" : ", ";
        names += row.name;
    }
    usage_error("metric \"{}\" is not one of {}", name, names);
}

double score(Metric metric, std::string_view prediction, const Sample & sample) {
    return row_of(metric).score(prediction, sample);
}

}  // namespace snapkv::eval
