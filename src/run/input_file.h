#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/descriptor.h"

namespace snapkv::run {

/// A regular file that is open for reading at any place. It is read and not mapped: one that another process cuts short
/// meanwhile is an error, not a signal. Several threads may read.
class InputFile {
public:
    /// Throws Error(Input) that begins with the path for what cannot be opened, is not a regular file or is empty;
    /// `expected` says what it should be.
    InputFile(const std::filesystem::path & path, const char * expected);

    [[nodiscard]] const std::string & path() const { return path_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Throws Error(Input) where the file ends too early, Error(Machine) where the system cannot read it.
    void read(std::uint64_t offset, std::span<std::byte> to) const;

private:
    std::string path_;
    Descriptor file_;
    std::uint64_t size_ = 0;
};

}  // namespace snapkv::run
