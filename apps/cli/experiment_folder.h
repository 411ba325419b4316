#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "eval/journal.h"
#include "eval/pictured_report.h"
#include "input.h"
#include "settings.h"

namespace snapkv::cli {

/// What `snapkv eval` and `snapkv observe` share: a folder with results that come one by one, and the report made of
/// them.
class ExperimentFolder {
public:
    /// Makes the folder (-o, else snapkv-NAME in the current one) and opens its results.jsonl. Says how many results
    /// are there already. Throws Error(Usage) for results of other settings, of another text (`document`) or of other
    /// data, by their contents; and for a folder with files of something else.
    ExperimentFolder(const Settings & settings, const std::string & name, const Model & model,
                     const Document & document, const std::vector<std::filesystem::path> & data = {});

    [[nodiscard]] eval::Journal & journal() { return journal_; }

    /// Writes results.json and results.csv, report.md, report.html and a file for each picture, with model, settings
    /// and build in the reports; prints the report's tables.
    void write(eval::PicturedReport report) const;

private:
    /// With what the results belong to, which is found before there is a folder.
    ExperimentFolder(const Settings & settings, const std::string & name, const eval::Json & heading);

    std::filesystem::path folder_;
    eval::Journal journal_;
};

/// The document's text. Throws Error(Usage) where there is none (-f), saying what it is needed for.
[[nodiscard]] const std::string & required_text(const Document & document, const std::string & what);

}  // namespace snapkv::cli
