#pragma once

#include <string>

#include "folder.h"
#include "process.h"

namespace snapkv::cli::test {

/// Runs a script in bash, for what only a shell can do: closed descriptors, pipes that break, limits, signals. In it
/// "$snapkv" is the built program, "$model" the demonstration model and "$here" the folder.
[[nodiscard]] Outcome run_shell(const Folder & folder, const std::string & script);

}  // namespace snapkv::cli::test
