#pragma once

#include <string>
#include <vector>

namespace snapkv::cli {

/// The whole program: parses the arguments (without the program's name), runs the command and says every error in one
/// line on standard error. Returns the exit status.
[[nodiscard]] int run_program(const std::vector<std::string> & arguments) noexcept;

}  // namespace snapkv::cli
