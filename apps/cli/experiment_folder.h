#pragma once

#include <filesystem>
#include <string>

#include "eval/journal.h"
#include "eval/pictured_report.h"
#include "settings.h"

namespace snapkv::cli {

/// What `snapkv eval` and `snapkv observe` share: a folder with results that come one by one, and the report made of
/// them.
class ExperimentFolder {
public:
    /// Makes the folder (-o, else snapkv-NAME in the current one) and opens its results.jsonl. Says how many results
    /// are there already. Throws Error(Usage) for results of other settings.
    ExperimentFolder(const Settings & settings, const std::string & name, const Model & model);

    [[nodiscard]] eval::Journal & journal() { return journal_; }

    /// Writes results.json and results.csv, report.md, report.html and a file for each picture, with model, settings
    /// and build in the reports; prints the report's tables.
    void write(eval::PicturedReport report) const;

private:
    std::filesystem::path folder_;
    eval::Journal journal_;
};

/// The documents, joined: -f. Throws Error(Usage) where there is none, saying what it is needed for.
[[nodiscard]] std::string required_text(const Settings & settings, const std::string & what);

}  // namespace snapkv::cli
