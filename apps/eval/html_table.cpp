#include "eval/html_table.h"

#include <fmt/core.h>

#include <cstddef>
#include <string_view>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

std::string cell(std::string_view tag, const Column & column, std::string_view text) {
    return fmt::format("<{0}{1}>{2}</{0}>", tag, column.align == Align::Right ? " class=\"number\"" : "",
                       escape_markup(text));
}

}  // namespace

std::string html_table(const Table & table) {
    if (table.columns.empty()) {
        return {};
    }
    std::string out = "<table>\n<thead><tr>";
    for (const Column & column : table.columns) {
        out += cell("th", column, column.name);
    }
    out += "</tr></thead>\n<tbody>\n";
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        out += "<tr>";
        for (std::size_t column = 0; column < table.columns.size(); ++column) {
            out += cell("td", table.columns[column], cell_of(table, row, column));
        }
        out += "</tr>\n";
    }
    return out + "</tbody>\n</table>\n";
}

}  // namespace snapkv::eval
