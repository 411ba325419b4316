#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/stop.h"
#include "base/temporary_name.h"

namespace snapkv {

struct WholeFileOptions {
    ::mode_t mode = 0666;  ///< of a new file, less the umask; one that is replaced keeps its own
    Stop stop = Stop();    ///< a flag of it that is set at the beginning is not looked at
    bool nameless = true;  ///< without a temporary name while it is written, where the file system can do that
};

/// A file that appears under its name whole or not at all: written to a temporary file in the same directory, which
/// commit() syncs and renames, and which goes with the object where commit() was not reached. What stood there before
/// stays until the rename. A symbolic link is followed. A temporary file has no name until commit() where the file
/// system allows it, so that even a killed process leaves nothing behind; else remove_temporary_files() knows its name.
/// All members throw Error(Machine) that begins with the path and ends with the system's words.
class WholeFile {
public:
    /// Thrown by write() and commit() once it is to stop.
    struct Stopped {};

    explicit WholeFile(const std::filesystem::path & path, const WholeFileOptions & options = {});
    WholeFile(const WholeFile &) = delete;
    WholeFile & operator=(const WholeFile &) = delete;
    ~WholeFile();

    /// The next bytes; small pieces are gathered.
    void write(std::span<const std::byte> bytes);
    /// Bytes in place of earlier ones.
    void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
    void commit();
    /// Bytes that were written, before commit().
    void read(std::uint64_t offset, std::span<std::byte> to);

private:
    [[noreturn]] void fail(const char * what) const;
    void open_temporary(const WholeFileOptions & options);
    void flush();
    void write_through(std::span<const std::byte> bytes);
    void keep_access();
    void give_name();
    void sync_directory() const;

    std::filesystem::path path_;    ///< as it was asked for: what messages name
    std::filesystem::path target_;  ///< the file itself, links followed
    std::optional<struct stat> replaced_;
    Stop stop_;
    std::optional<TemporaryName> temporary_;
    std::optional<Descriptor> file_;
    std::vector<std::byte> gathered_;
};

}  // namespace snapkv
