#pragma once

#include <string>
#include <utility>
#include <vector>

#include "eval/html_report.h"

namespace snapkv::eval {

/// A report whose pictures are also files of their own.
struct PicturedReport {
    Report report;
    std::vector<std::pair<std::string, std::string>> pictures;  ///< names without ending, and SVG files

    /// Adds a picture to a section, and to the list.
    void add_picture(ReportSection & section, const std::string & name, const std::string & svg) {
        section.pictures.push_back(svg);
        pictures.emplace_back(name, svg);
    }
};

/// The report as Markdown, with its pictures as files beside it.
[[nodiscard]] std::string markdown_report(const PicturedReport & pictured);

}  // namespace snapkv::eval
