#include "eval/pictured_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/markdown_table.h"

namespace snapkv::eval {

namespace {

/// The name under which a picture is a file.
std::string name_of_picture(const PicturedReport & pictured, const std::string & svg) {
    const auto found = std::find_if(pictured.pictures.begin(), pictured.pictures.end(),
                                    [&](const auto & picture) { return picture.second == svg; });
    return found == pictured.pictures.end() ? std::string() : found->first;
}

void add_paragraph(std::string & text, const std::string & paragraph) {
    if (!paragraph.empty()) {
        text += paragraph + "\n\n";
    }
}

}  // namespace

std::string markdown_report(const PicturedReport & pictured) {
    const Report & report = pictured.report;
    std::string text = fmt::format("# {}\n\n", report.title);
    add_paragraph(text, report.introduction);
    for (const ReportSection & section : report.sections) {
        text += fmt::format("## {}\n\n", section.heading);
        add_paragraph(text, section.text);
        add_paragraph(text, markdown_table(section.table));
        for (const std::string & svg : section.pictures) {
            const std::string name = name_of_picture(pictured, svg);
            text += fmt::format("![{}]({}.svg)\n\n", name, name);
        }
        for (const std::string & note : section.notes) {
            text += fmt::format("- {}\n", note);
        }
        text += section.notes.empty() ? "" : "\n";
    }
    text += "## Settings\n\n";
    Table settings{{{"setting"}, {"value"}}, {}};
    for (const auto & [name, value] : report.settings) {
        settings.rows.push_back({name, value});
    }
    return text + markdown_table(settings);
}

}  // namespace snapkv::eval
