#pragma once

#include <string>

namespace snapkv::cli {

/// The reference of the command line in Markdown: docs/cli.md.
[[nodiscard]] std::string reference();

}  // namespace snapkv::cli
