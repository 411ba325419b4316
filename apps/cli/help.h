#pragma once

#include <string>

#include "settings.h"

namespace snapkv::cli {

/// What --help prints for a command, or for the program where it is Command::None.
[[nodiscard]] std::string help_text(Command command);

}  // namespace snapkv::cli
