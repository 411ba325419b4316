#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "report.h"
#include "settings.h"

namespace snapkv::cli {

/// Generates the answers of a run one after the other and tells the user of them: text as it comes, then statistics,
/// or one JSON object at the end. Where that cannot be printed, the answer at hand ends as by an interrupt, unless it
/// is to be saved (--save-kv): then it goes on to its end. finish() throws in any case.
class Answering {
public:
    /// The seed is chosen here once where it is random, so that all answers draw with the same one. `grammar`: see
    /// read_grammar(). Without a session
    /// (null), which a run that is interrupted early has not got yet, answers can only be skipped.
    Answering(const Settings & settings, Session * session, std::string grammar = {});

    [[nodiscard]] Report & report() { return report_; }

    /// Generates from the sequence and adds the answer to the report.
    void answer(Sequence & sequence, Answer answer);
    /// Adds an answer that was never begun, because the run ends.
    void skip(Answer answer);
    /// Says of each file that was asked for that it is not written, because the run ends before there is anything to
    /// write.
    void skip_files() const;
    /// Writes a file that `option` asked for; `write` returns false where it was interrupted. What it throws is thrown
    /// by finish(), so that one file that cannot be written costs neither the others nor the answers.
    void save(std::string_view option, const std::function<bool()> & write);

    /// Prints the statistics or the JSON; returns the exit status.
    [[nodiscard]] int finish();

private:
    void print_heading(const std::string & question);
    /// Hands over what was printed. False where the answer is of no more use.
    [[nodiscard]] bool handed_over() const;
    void keep_failure(const Error & failure);
    /// What ended an answer that its length ended.
    [[nodiscard]] std::string limit_of(const Generation & generation) const;

    const Settings & settings_;
    Session * session_;
    SamplingOptions sampling_;
    Report report_;
    std::optional<Error> unsaved_;  ///< the first
    bool interrupted_saving_ = false;
};

/// Statistics of a cache that was never finished.
[[nodiscard]] CacheStats unfinished_cache(const CacheConfig & config);

}  // namespace snapkv::cli
