#pragma once

#include <filesystem>
#include <string>

#include "settings.h"

namespace snapkv::cli {

/// The bytes of a file. Throws Error(Input) that names it.
[[nodiscard]] std::string read_file(const std::filesystem::path & path);

/// All of standard input.
[[nodiscard]] std::string read_standard_input();

/// The document: the files joined with nothing between, or the prompt, or standard input where neither is given and
/// it is not a terminal; else empty. Throws Error(Usage) where both are given, and where there is nothing at all.
[[nodiscard]] std::string read_document(const Settings & settings);

}  // namespace snapkv::cli
