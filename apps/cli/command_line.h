#pragma once

#include <string>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// The settings that the arguments (without the program's name) ask for, as the option table defines them. Throws
/// Error(Usage).
[[nodiscard]] Settings parse_command_line(std::vector<std::string> arguments);

}  // namespace snapkv::cli
