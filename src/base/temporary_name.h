#pragma once

#include <cstddef>
#include <filesystem>

namespace snapkv {

/// The name of a temporary file, unlike any other. What bears it is removed with the object, or earlier by
/// remove_temporary_files(); keep() leaves it alone.
class TemporaryName {
public:
    explicit TemporaryName(const std::filesystem::path & directory);
    TemporaryName(const TemporaryName &) = delete;
    TemporaryName & operator=(const TemporaryName &) = delete;
    ~TemporaryName();

    [[nodiscard]] const char * c_str() const { return path_.c_str(); }
    /// The file has gone to another name.
    void keep();

private:
    std::filesystem::path path_;
    std::size_t slot_;  ///< where signal handlers find it; the number of slots where all were taken
};

}  // namespace snapkv
