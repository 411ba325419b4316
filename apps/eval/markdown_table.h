#pragma once

#include <string>

#include "eval/table.h"

namespace snapkv::eval {

/// The table in GitHub's Markdown, its columns lined up for readers of the source. What Markdown would take for its own
/// in a cell is escaped; line breaks become spaces. Nothing for a table without columns.
[[nodiscard]] std::string markdown_table(const Table & table);

}  // namespace snapkv::eval
