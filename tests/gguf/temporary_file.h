#pragma once

#include <unistd.h>

#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace snapkv::test {

/// A file with these bytes that goes when the object goes.
class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view bytes) {
        std::string name = std::filesystem::temp_directory_path() / "snapkv-test-XXXXXX";
        const int descriptor = ::mkstemp(name.data());
        assert(descriptor >= 0);
        ::close(descriptor);
        path_ = name;
        std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile & operator=(const TemporaryFile &) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }

    [[nodiscard]] const std::filesystem::path & path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace snapkv::test
