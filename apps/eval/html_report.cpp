#include "eval/html_report.h"

#include <fmt/core.h>

#include <cassert>
#include <cstddef>
#include <set>
#include <string_view>

#include "eval/html_table.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1b; --faint: #666; --line: #ddd; --link: #0072b2; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #14171a; --text: #e6e6e6; --faint: #999; --line: #333a40; --link: #56b4e9; }
}
body { background: var(--page); color: var(--text); font: 16px/1.6 system-ui, sans-serif; max-width: 56rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.3; }
h2 { font-size: 1.2rem; line-height: 1.3; margin-top: 2.5rem; }
a { color: var(--link); }
figure { margin: 1.5rem 0; }
figure > svg { display: block; max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.notes { color: var(--faint); font-size: .9rem; }
.settings td:first-child { color: var(--faint); white-space: nowrap; }
.settings td:last-child { overflow-wrap: anywhere; }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
)";

/// A text's paragraphs; line breaks within one are spaces.
std::string paragraphs(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find("\n\n");
        const std::string_view paragraph = text.substr(0, end);
        if (paragraph.find_first_not_of(" \t\n") != std::string_view::npos) {
            out += fmt::format("<p>{}</p>\n", escape_markup(paragraph));
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    }
    return out;
}

/// The picture without what may stand before its root in a file of its own.
std::string figure(std::string_view svg) {
    const std::size_t root = svg.find("<svg");
    return root == std::string_view::npos ? ""
                                          : fmt::format("<figure class=\"wide\">\n{}</figure>\n", svg.substr(root));
}

std::string wide(const std::string & table) {
    return table.empty() ? "" : fmt::format("<div class=\"wide\">\n{}</div>\n", table);
}

std::string notes(const std::vector<std::string> & all) {
    std::string items;
    for (const std::string & note : all) {
        items += fmt::format("<li>{}</li>\n", escape_markup(note));
    }
    return items.empty() ? "" : fmt::format("<ul class=\"notes\">\n{}</ul>\n", items);
}

// Ids that begin so are no picture's: SvgPage never writes them.
std::string section(const ReportSection & part, std::size_t number) {
    std::string out = fmt::format("<section id=\"_section{}\">\n", number);
    if (!part.heading.empty()) {
        out += fmt::format("<h2>{}</h2>\n", escape_markup(part.heading));
    }
    out += paragraphs(part.text);
    for (const std::string & picture : part.pictures) {
        out += figure(picture);
    }
    return out + wide(html_table(part.table)) + notes(part.notes) + "</section>\n";
}

/// Links to the sections, where there are enough of them to look for one.
std::string contents(const std::vector<ReportSection> & sections) {
    if (sections.size() < 3) {
        return {};
    }
    std::string items;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        if (!sections[i].heading.empty()) {
            items +=
                fmt::format("<li><a href=\"#_section{}\">{}</a></li>\n", i + 1, escape_markup(sections[i].heading));
        }
    }
    return items.empty() ? "" : fmt::format("<nav><ul>\n{}</ul></nav>\n", items);
}

std::string settings_section(const std::vector<std::pair<std::string, std::string>> & settings) {
    if (settings.empty()) {
        return {};
    }
    Table table{{{"setting"}, {"value"}}, {}};
    for (const auto & [name, value] : settings) {
        table.rows.push_back({name, value});
    }
    return fmt::format("<section class=\"settings\" id=\"_settings\">\n<h2>Settings</h2>\n{}</section>\n",
                       wide(html_table(table)));
}

/// Pictures of one id would take each other's colours and patterns.
[[maybe_unused]] bool ids_differ(const std::vector<ReportSection> & sections) {
    std::set<std::string_view> ids;
    for (const ReportSection & part : sections) {
        for (const std::string_view picture : part.pictures) {
            const std::size_t id = picture.find(" id=\"");
            if (id != std::string_view::npos &&
                !ids.insert(picture.substr(id, picture.find('"', id + 5) - id)).second) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

std::string html_report(const Report & report) {
    assert(ids_differ(report.sections));
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape_markup(report.title), style);
    page += paragraphs(report.introduction) + contents(report.sections);
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
        page += section(report.sections[i], i + 1);
    }
    return page + settings_section(report.settings) + "</body>\n</html>\n";
}

}  // namespace snapkv::eval
