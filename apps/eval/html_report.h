#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/table.h"

namespace snapkv::eval {

/// A part of a report. Texts are plain; empty lines part paragraphs. What is empty is left out.
struct ReportSection {
    std::string heading;
    std::string text;
    std::vector<std::string> pictures;  ///< whole SVG files of this library's writers; ids unique in the report
    Table table;
    std::vector<std::string> notes;  ///< what limits the result; a list below it
};

/// The results of an experiment as they are read and passed on.
struct Report {
    std::string title;
    std::string introduction;
    std::vector<ReportSection> sections;
    std::vector<std::pair<std::string, std::string>> settings;  ///< the model, its hash, the build, every option
};

/// One HTML page that needs nothing else: no scripts, fonts, pictures or style sheets from elsewhere, and none would be
/// let in. For light and dark screens and for paper.
[[nodiscard]] std::string html_report(const Report & report);

}  // namespace snapkv::eval
