#include "eval/markdown_table.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & '\x80') != 0;
}

/// An underscore within a word, as in q8_0, means nothing to GitHub's Markdown and stays as it is.
bool within_word(std::string_view text, std::size_t at) {
    return at > 0 && at + 1 < text.size() && is_word(text[at - 1]) && is_word(text[at + 1]);
}

std::string escaped(std::string_view text) {
    constexpr std::string_view special = "\\|`*[]~_";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '&' || c == '<' || c == '>') {
            out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += ' ';
        } else {
            const bool escapes = special.find(c) != std::string_view::npos && !(c == '_' && within_word(text, i));
            out += escapes ? "\\" : "";
            out += c;
        }
    }
    return out;
}

struct Written {
    std::string text;
    std::size_t width = 0;  ///< characters
};

Written written(std::string_view cell) {
    std::string text = escaped(valid_utf8(cell));
    const std::size_t width = code_points(text).size();
    return {std::move(text), width};
}

void add_row(std::string & out, const std::vector<Written> & cells, const Table & table,
             const std::vector<std::size_t> & widths) {
    for (std::size_t column = 0; column < cells.size(); ++column) {
        const std::string room(widths[column] - cells[column].width, ' ');
        const bool right = table.columns[column].align == Align::Right;
        out += "| " + (right ? room + cells[column].text : cells[column].text + room) + " ";
    }
    out += "|\n";
}

}  // namespace

std::string markdown_table(const Table & table) {
    if (table.columns.empty()) {
        return {};
    }
    std::vector<std::vector<Written>> rows(table.rows.size() + 1);
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        rows[0].push_back(written(table.columns[column].name));
        std::size_t width = std::max<std::size_t>(4, rows[0].back().width);
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            rows[row + 1].push_back(written(cell_of(table, row, column)));
            width = std::max(width, rows[row + 1].back().width);
        }
        widths.push_back(width);
    }
    std::string out;
    add_row(out, rows[0], table, widths);
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const bool right = table.columns[column].align == Align::Right;
        out += "| " + std::string(widths[column] - (right ? 1 : 0), '-') + (right ? ": " : " ");
    }
    out += "|\n";
    for (std::size_t row = 1; row < rows.size(); ++row) {
        add_row(out, rows[row], table, widths);
    }
    return out;
}

}  // namespace snapkv::eval
