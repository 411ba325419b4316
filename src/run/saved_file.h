#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "run/input_file.h"
#include "run/saved_codec.h"

namespace snapkv::run {

// The envelope of a saved cache: magic, version, size and checksum of the contents.

/// Puts what `write_contents` hands to its sink into the envelope, at `path`, all or nothing (see WholeFile); a new
/// file is its owner's alone. False, with nothing changed, where `stop` (may be null) becomes true meanwhile. Throws
/// Error(Machine) that begins with the path.
bool write_saved_file(const std::filesystem::path & path, const std::function<void(const ByteSink &)> & write_contents,
                      const std::atomic<bool> * stop = nullptr);

/// A saved cache's file, open and checked.
class SavedFile {
public:
    /// Reads the file once. Throws Error(Input) that begins with the path for what cannot be opened or is not a regular
    /// file, for what is no saved cache, for another version, for a file cut short or longer than it says, and where
    /// the checksum does not match; Error(Machine) where the system cannot read it.
    explicit SavedFile(const std::filesystem::path & path);

    /// The contents once more from their beginning. Throws, as it is read, where the file has changed since. The file
    /// must outlive it.
    [[nodiscard]] ByteSource contents() const;

private:
    void check();

    InputFile file_;
    std::uint64_t size_ = 0;      ///< of the contents
    std::uint64_t checksum_ = 0;  ///< of the contents
};

}  // namespace snapkv::run
