#pragma once

#include <functional>
#include <string>
#include <vector>

#include "json.h"
#include "report.h"
#include "settings.h"

namespace snapkv::cli {

/// Generates the answers of a run one after the other and tells the user of them: text as it comes, then statistics,
/// or one JSON object at the end.
class Answering {
public:
    /// The seed is chosen here once where it is random, so that all answers draw with the same one.
    Answering(const Settings & settings, Session & session);

    [[nodiscard]] Report & report() { return report_; }

    /// Generates from the sequence and adds the answer to the report.
    void answer(Sequence & sequence, Answer answer);
    /// Adds an answer that was never begun, because of Ctrl-C.
    void skip(Answer answer);

    /// Prints the statistics or the JSON; returns the exit status.
    [[nodiscard]] int finish();
    /// Saves first; the report is printed whether that works or not, and its error thrown afterwards.
    [[nodiscard]] int finish(const std::function<void()> & save);

private:
    void print_heading(const std::string & question);

    const Settings & settings_;
    Session & session_;
    SamplingOptions sampling_;
    Report report_;
};

/// Statistics of a cache that was never finished.
[[nodiscard]] CacheStats unfinished_cache(const CacheConfig & config);

}  // namespace snapkv::cli
