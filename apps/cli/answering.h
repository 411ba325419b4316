#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "report.h"
#include "settings.h"

namespace snapkv::cli {

/// Generates the answers of a run one after the other and tells the user of them: text as it comes, then statistics,
/// or one JSON object at the end. Where that cannot be printed, the answer at hand ends as by an interrupt, what is to
/// be saved is saved, and finish() throws.
class Answering {
public:
    /// The seed is chosen here once where it is random, so that all answers draw with the same one.
    Answering(const Settings & settings, Session & session);

    [[nodiscard]] Report & report() { return report_; }

    /// Generates from the sequence and adds the answer to the report.
    void answer(Sequence & sequence, Answer answer);
    /// Adds an answer that was never begun, because the run ends.
    void skip(Answer answer);
    /// Writes a file that `option` asked for; `write` returns false where it was interrupted. What it throws is thrown
    /// by finish(), so that one file that cannot be written costs neither the others nor the answers.
    void save(std::string_view option, const std::function<bool()> & write);

    /// Prints the statistics or the JSON; returns the exit status.
    [[nodiscard]] int finish();

private:
    void print_heading(const std::string & question);
    /// What ended an answer that its length ended.
    [[nodiscard]] std::string limit_of(const Generation & generation) const;

    const Settings & settings_;
    Session & session_;
    SamplingOptions sampling_;
    Report report_;
    std::exception_ptr unsaved_;
    bool interrupted_saving_ = false;
};

/// Statistics of a cache that was never finished.
[[nodiscard]] CacheStats unfinished_cache(const CacheConfig & config);

}  // namespace snapkv::cli
