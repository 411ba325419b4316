#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/journal.h"
#include "eval/metrics.h"
#include "eval/questioning.h"
#include "eval/sample.h"
#include "eval/variant.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// Samples that are asked and scored alike.
struct Part {
    std::string name;
    std::vector<Sample> samples;  ///< those that share a document stand in a row
    std::vector<Metric> metrics;  ///< the first is the one that counts
    bool raw = false;             ///< no chat template, whatever AskOptions says
    bool first_line = false;      ///< only a prediction's first line is scored
};

/// What a prediction scores, from 0 to 1, by the part's rules.
[[nodiscard]] double score_of(const Part & part, Metric metric, std::string_view prediction, const Sample & sample);

/// How far a run of questions is.
struct QuestionsDone {
    std::size_t done = 0;  ///< samples
    std::size_t total = 0;
    std::string what;         ///< the samples at hand
    double share = 0;         ///< of the work, by the length of documents and questions
    double seconds = 0;       ///< since the run began
    double seconds_left = 0;  ///< 0: not known yet
    CallProgress prefill{};   ///< of the samples at hand
};

/// Asks all samples of all parts with all variants and records each answer with its scores: {"key", "part", "sample",
/// "variant", the sample's place, "cache" (settings_of), "prediction", "scores", "prompt_tokens", "dropped",
/// "rows_kept", "rows_full", "bytes_kept", "bytes_full", "evicted", "compressed", "reason", "prefill_ms",
/// "predicted_ms", "generated_tokens"}. What the journal has already is not asked again. With `share_prefill` samples
/// of one document are branches of one prefill. False where it was interrupted.
bool ask_all(Session & session, std::span<const Part> parts, std::span<const Variant> variants,
             const AskOptions & options, bool share_prefill, Journal & journal,
             const std::function<void(const QuestionsDone &)> & progress);

}  // namespace snapkv::eval
