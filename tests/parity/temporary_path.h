#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace snapkv::test {

/// An empty file of its own name that goes when the object goes. Movable.
class TemporaryPath {
public:
    explicit TemporaryPath(const std::string & suffix) {
        std::string name = (std::filesystem::temp_directory_path() / "snapkv-parity-XXXXXX").string() + suffix;
        const int descriptor = ::mkstemps(name.data(), static_cast<int>(suffix.size()));
        if (descriptor < 0) {
            throw std::runtime_error("cannot make a temporary file like " + name);
        }
        ::close(descriptor);
        path_ = name;
    }
    TemporaryPath(TemporaryPath && other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryPath & operator=(TemporaryPath &&) = delete;
    ~TemporaryPath() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path & get() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace snapkv::test
