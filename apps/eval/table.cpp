#include "eval/table.h"

#include <cassert>

namespace snapkv::eval {

const std::string & cell_of(const Table & table, std::size_t row, std::size_t column) {
    static const std::string none;
    const std::vector<std::string> & cells = table.rows[row];
    assert(cells.size() <= table.columns.size() && column < table.columns.size());
    return column < cells.size() ? cells[column] : none;
}

}  // namespace snapkv::eval
