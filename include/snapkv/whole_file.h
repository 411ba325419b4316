#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "snapkv/export.h"

namespace snapkv {

/// Puts `bytes` at `path`, all of them or none: they go to a temporary file in the same directory, which is synced and
/// then takes the name. A file that stands there keeps its permissions, and until then its contents; a symbolic link is
/// followed. False, with nothing changed, where `stop` (may be null) becomes true meanwhile. Throws Error(Machine) that
/// begins with the path, also for what is not a regular file. The limit of file sizes (RLIMIT_FSIZE) is such an error
/// only for a process that ignores SIGXFSZ; others are ended by it.
[[nodiscard]] SNAPKV_API bool write_whole_file(const std::filesystem::path & path, std::span<const std::byte> bytes,
                                               const std::atomic<bool> * stop = nullptr);

class WholeFile;

/// The same for bytes that come piece by piece: the file takes its name with commit(), or never. One thread at a time.
/// All members throw as write_whole_file() does.
class SNAPKV_API WholeFileWriter {
public:
    explicit WholeFileWriter(const std::filesystem::path & path);
    WholeFileWriter(const WholeFileWriter &) = delete;
    WholeFileWriter & operator=(const WholeFileWriter &) = delete;
    /// Without commit() nothing has changed.
    ~WholeFileWriter();

    /// The next bytes; small pieces are gathered.
    void write(std::span<const std::byte> bytes);
    /// The last call.
    void commit();

private:
    std::unique_ptr<WholeFile> file_;
};

/// Throws what write_whole_file() would throw before its first byte. Leaves no trace.
SNAPKV_API void check_whole_file(const std::filesystem::path & path);

/// Removes the temporary files of what this process is writing (saved sequences and models as well), of up to 64 files
/// at a time. Async-signal-safe: for a handler that ends the process at once.
SNAPKV_API void remove_temporary_files() noexcept;

}  // namespace snapkv
