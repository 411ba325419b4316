#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace snapkv::eval {

/// The bytes of a file to its end, or the first `most`; pipes and devices are read too. Throws Error(Input) that names
/// it, where it cannot be opened and for a read that fails: half a file is never taken for the whole. The same for what
/// has more bytes than any text or than memory holds, as what never ends has.
[[nodiscard]] std::string read_file(const std::filesystem::path & path, std::size_t most = std::string::npos);

/// The same from a descriptor, which stays open; `name` is for the message.
[[nodiscard]] std::string read_all(int descriptor, const std::string & name, std::size_t most = std::string::npos);

}  // namespace snapkv::eval
