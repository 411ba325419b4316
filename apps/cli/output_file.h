#pragma once

#include <filesystem>
#include <string_view>

namespace snapkv::cli {

/// Throws Error(Machine) where a file of this name could not be written later; leaves nothing behind. Meant for the
/// time before long work. An empty path passes.
void check_writable(std::string_view option, const std::filesystem::path & path);

/// The same for a file that the library will replace by renaming: a device or a pipe does not do.
void check_replaceable(std::string_view option, const std::filesystem::path & path);

/// Throws Error(Usage) where something of this name is there already.
void check_absent(std::string_view option, const std::filesystem::path & path);

/// Writes the bytes as write_whole_file() does; a device or a pipe is written to as it is. Throws Error(Machine).
void write_file(const std::filesystem::path & path, std::string_view bytes);

}  // namespace snapkv::cli
