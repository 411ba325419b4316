#pragma once

#include <string>

#include "settings.h"

namespace snapkv::cli {

/// A completion script for the shell, made from the option table.
[[nodiscard]] std::string completion_script(Shell shell);

}  // namespace snapkv::cli
