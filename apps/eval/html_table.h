#pragma once

#include <string>

#include "eval/table.h"

namespace snapkv::eval {

/// The table as an HTML element; cells to the right are of the class "number". Nothing for a table without columns.
[[nodiscard]] std::string html_table(const Table & table);

}  // namespace snapkv::eval
