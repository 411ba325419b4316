#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace snapkv::test {

/// All bytes of a file; none of one that is not there.
[[nodiscard]] inline std::string contents(const std::filesystem::path & path) {
    std::error_code absent;
    const std::uintmax_t size = std::filesystem::file_size(path, absent);
    std::string bytes(absent ? 0 : size, '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

}  // namespace snapkv::test
