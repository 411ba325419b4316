#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/stop.h"
#include "base/telling.h"
#include "run/envelope.h"
#include "run/input_file.h"
#include "run/saved_codec.h"

namespace snapkv::run {

// The envelope of a file of ours: magic, version, size and checksum of the contents.

/// What a file holds.
struct SavedKind {
    std::array<char, 8> magic{};  ///< the line break within it shows up a transfer that took the file for text
    std::uint32_t version = 0;
    const char * name = "";  ///< in messages
};
inline constexpr SavedKind kSavedCache{{'S', 'N', 'A', 'P', 'K', 'V', '\r', '\n'}, 8, "a saved cache"};
inline constexpr SavedKind kPausedPrefill{{'S', 'N', 'A', 'P', 'P', 'R', 'E', '\n'}, 1, "a paused prefill"};

/// Hands the contents to a sink, the same ones each time.
using WriteContents = std::function<void(const ByteSink &)>;

/// Puts the contents into the envelope, at `path`, all or nothing (see WholeFile); a new file is its owner's alone.
/// False, with nothing changed, where it is to stop. Throws Error(Machine) that begins with the path.
bool write_saved_file(const std::filesystem::path & path, const WriteContents & write_contents,
                      const Stop & stop = Stop(), const Telling & tell = Telling(),
                      const SavedKind & kind = kSavedCache);

/// The same to a stream, which is flushed. False where it is to stop. Throws Error(Machine) where the stream fails, one
/// that throws by itself too.
bool write_saved_stream(std::ostream & to, const WriteContents & write_contents, const Stop & stop = Stop(),
                        const Telling & tell = Telling());

/// A file of ours, open and checked.
class SavedFile {
public:
    /// Reads the file once. Throws Error(Input) that begins with the path for what cannot be opened or is not a regular
    /// file, for what is of another kind, for another version, for a file cut short or longer than it says, and where
    /// the checksum does not match; Error(Machine) where the system cannot read it; Error(Interrupted)
    /// where it is to stop.
    explicit SavedFile(const std::filesystem::path & path, const SavedKind & kind = kSavedCache,
                       const Stop & stop = Stop());

    /// The contents once more from their beginning. Throws, as it is read, where the file has changed since. The file
    /// must outlive it.
    [[nodiscard]] ByteSource contents() const;

private:
    InputFile file_;
    Envelope envelope_;
};

/// The same that comes through a stream, whose contents can be read once.
class SavedStream {
public:
    /// Reads the envelope. Throws Error(Input) that begins with `name` as SavedFile does, but for the checksum, which
    /// contents() compares at the end.
    SavedStream(std::istream & from, std::string_view name);

    /// Throws, as it is read, where the stream ends too early or the checksum does not match. This must outlive it.
    [[nodiscard]] ByteSource contents() const;

private:
    std::istream & from_;
    std::string name_;
    Envelope envelope_;
};

}  // namespace snapkv::run
