#include "eval/csv_table.h"

#include <cstddef>
#include <string_view>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

/// In quotes where it holds what separates fields, or spaces at an end that readers may drop. `alone`: an empty field
/// without quotes would leave an empty line.
std::string field(std::string_view cell, bool alone) {
    std::string text = valid_utf8(cell);
    const bool spaced = text.starts_with(' ') || text.ends_with(' ');
    if (text.find_first_of(",\"\r\n") == std::string::npos && !spaced && !(alone && text.empty())) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c;
        quoted += c == '"' ? "\"" : "";
    }
    return quoted + '"';
}

}  // namespace

std::string csv_table(const Table & table) {
    const std::size_t columns = table.columns.size();
    if (columns == 0) {
        return {};
    }
    std::string out;
    for (std::size_t column = 0; column < columns; ++column) {
        out += field(table.columns[column].name, columns == 1) + (column + 1 < columns ? "," : "\n");
    }
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            out += field(cell_of(table, row, column), columns == 1) + (column + 1 < columns ? "," : "\n");
        }
    }
    return out;
}

}  // namespace snapkv::eval
