#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// SHA-256 in hexadecimal, as sha256sum prints it.
[[nodiscard]] std::string content_hash(std::string_view bytes);

/// The same of a file. Throws Error(Input) for one that is not a regular file: what comes
/// out of a pipe cannot be read once for its hash and once more for its samples.
[[nodiscard]] std::string file_hash(const std::filesystem::path & path);

}  // namespace snapkv::eval
