#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "run/saved_codec.h"

namespace snapkv::run {

// The envelope of a saved cache: magic, version, size and checksum of the contents.

/// The contents within the bytes of a whole file. Throws Error(Input) that begins with `path` for what is no saved
/// cache, for another version, for a file cut short or longer than it says, and where the checksum does not match.
std::span<const std::byte> checked_contents(std::span<const std::byte> file, const std::string & path);

/// Puts what `write_contents` hands to its sink into the envelope, at `path`, all or nothing (see WholeFile); a new
/// file is its owner's alone. False, with nothing changed, where `stop` (may be null) becomes true meanwhile. Throws
/// Error(Machine) that begins with the path.
bool write_saved_file(const std::filesystem::path & path, const std::function<void(const ByteSink &)> & write_contents,
                      const std::atomic<bool> * stop = nullptr);

/// A saved cache's file, mapped for as long as the object lives. Its contents have passed checked_contents().
class SavedFile {
public:
    /// Throws Error(Input) that begins with the path: as checked_contents(), and for what cannot be opened or is not a
    /// regular file.
    explicit SavedFile(const std::filesystem::path & path);
    SavedFile(const SavedFile &) = delete;
    SavedFile & operator=(const SavedFile &) = delete;
    ~SavedFile();

    [[nodiscard]] std::span<const std::byte> contents() const { return contents_; }

private:
    void * address_ = nullptr;
    std::size_t size_ = 0;
    std::span<const std::byte> contents_;
};

}  // namespace snapkv::run
