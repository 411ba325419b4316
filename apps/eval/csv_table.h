#pragma once

#include <string>

#include "eval/table.h"

namespace snapkv::eval {

/// The table as CSV with a line of names: quoted as RFC 4180 has it, lines ended by "\n". Nothing for a table without
/// columns.
[[nodiscard]] std::string csv_table(const Table & table);

}  // namespace snapkv::eval
