#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/descriptor.h"

namespace snapkv {

/// A file that appears under its name whole or not at all: written to a temporary file in the same directory, which
/// commit() syncs and renames, and which goes with the object where commit() was not reached. What stood there before
/// stays until the rename. A symbolic link is followed. All members throw Error(Machine) that begins with the path and
/// ends with the system's words.
class WholeFile {
public:
    explicit WholeFile(const std::filesystem::path & path);
    WholeFile(const WholeFile &) = delete;
    WholeFile & operator=(const WholeFile &) = delete;
    ~WholeFile();

    /// The next bytes; small pieces are gathered.
    void write(std::span<const std::byte> bytes);
    /// Bytes in place of earlier ones.
    void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
    void commit();

private:
    [[noreturn]] void fail(const char * what) const;
    void open_temporary();
    void flush();
    void write_through(std::span<const std::byte> bytes);
    void sync_directory() const;

    std::filesystem::path path_;    ///< as it was asked for: what messages name
    std::filesystem::path target_;  ///< the file itself, links followed
    std::filesystem::path temporary_;
    std::optional<Descriptor> file_;
    std::vector<std::byte> gathered_;
};

}  // namespace snapkv
