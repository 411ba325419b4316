#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace snapkv::gguf {

/// A whole regular file, mapped read-only and private. Its address stays the same when the object is moved.
class Mapping {
public:
    /// Throws Error(Input) that begins with the path: no such file, not a regular file, not readable, empty.
    explicit Mapping(const std::filesystem::path & path);
    Mapping(const Mapping &) = delete;
    Mapping & operator=(const Mapping &) = delete;
    ~Mapping();

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace snapkv::gguf
