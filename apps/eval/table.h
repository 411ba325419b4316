#pragma once

#include <string>
#include <vector>

namespace snapkv::eval {

enum class Align { Left, Right };

struct Column {
    std::string name;
    Align align = Align::Left;  ///< numbers to the right
};

/// Texts in rows and columns, as they are to be read. A row may have fewer cells than there are columns, the rest being
/// empty, but not more.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows;
};

/// The cell, empty where the row is shorter.
[[nodiscard]] const std::string & cell_of(const Table & table, std::size_t row, std::size_t column);

}  // namespace snapkv::eval
