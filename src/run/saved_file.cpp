#include "run/saved_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ios>
#include <istream>
#include <memory>
#include <ostream>
#include <vector>

#include "base/raise.h"
#include "base/whole_file.h"
#include "run/checksum.h"

namespace snapkv::run {

namespace {

/// The contents of an open file, front to back, small pieces by way of a window.
class Contents {
public:
    Contents(const InputFile & file, std::uint64_t size) : file_(file), left_(size) {}

    void read(std::span<std::byte> to) {
        while (!to.empty()) {
            if (window_.empty() && to.size() >= kWindow) {
                fetch(to);
                return;
            }
            if (window_.empty()) {
                memory_.resize(kWindow);
                window_ = std::span(memory_).first(static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, left_)));
                fetch(window_);
            }
            const std::size_t count = std::min(to.size(), window_.size());
            std::copy_n(window_.begin(), count, to.begin());
            window_ = window_.subspan(count);
            to = to.subspan(count);
        }
    }
    /// Bytes that have not been fetched yet.
    [[nodiscard]] std::uint64_t left() const { return left_; }
    [[nodiscard]] std::uint64_t checksum() const { return checksum_.value(); }

private:
    static constexpr std::size_t kWindow = std::size_t{64} << 10U;

    void fetch(std::span<std::byte> to) {
        file_.read(offset_, to);
        checksum_.add(to);
        offset_ += to.size();
        left_ -= to.size();
    }

    const InputFile & file_;
    std::uint64_t left_;
    std::uint64_t offset_ = sizeof(Envelope);
    std::vector<std::byte> memory_;
    std::span<std::byte> window_;  ///< fetched and not read yet
    Checksum checksum_;
};

/// What stands before the contents, for which they are gone through once.
Envelope envelope_of(const WriteContents & write_contents, const Stop & stop, const SavedKind & kind) {
    Envelope envelope{.magic = kind.magic, .version = kind.version};
    Checksum checksum;
    write_contents([&](std::span<const std::byte> piece) {
        if (stop.requested()) {
            throw WholeFile::Stopped();
        }
        checksum.add(piece);
        envelope.size += piece.size();
    });
    envelope.checksum = checksum.value();
    return envelope;
}

/// What such a file begins with. Throws Error(Input) for anything else; `there` bytes of it could be read.
Envelope checked_envelope(std::span<const std::byte> beginning, std::size_t there, std::string_view name,
                          const SavedKind & kind) {
    if (std::memcmp(beginning.data(), kind.magic.data(), std::min(there, kind.magic.size())) != 0) {
        raise_input("{}: not {}", name, kind.name);
    }
    if (there < beginning.size()) {
        raise_input("{}: cut short: {} bytes, {} begins with {}", name, there, kind.name, beginning.size());
    }
    Envelope envelope;
    std::memcpy(&envelope, beginning.data(), sizeof envelope);
    if (envelope.version != kind.version) {
        raise_input("{}: {} of version {}, expected version {}", name, kind.name, envelope.version, kind.version);
    }
    return envelope;
}

[[noreturn]] void raise_stream(const char * which) {
    raise_machine("the stream {} has failed", which);
}

/// As far as it goes. One that throws by itself has failed.
std::size_t read_stream(std::istream & from, std::span<std::byte> to) try {
    from.read(reinterpret_cast<char *>(to.data()), static_cast<std::streamsize>(to.size()));
    return static_cast<std::size_t>(from.gcount());
} catch (const std::ios_base::failure &) {
    raise_stream("from which a sequence is loaded");
}

[[noreturn]] void raise_altered(std::string_view name, std::uint64_t found, std::uint64_t expected) {
    raise_input("{}: altered: the checksum of its contents is {:016x}, expected {:016x}", name, found, expected);
}

}  // namespace

bool write_saved_file(const std::filesystem::path & path, const WriteContents & write_contents, const Stop & stop,
                      const Telling & tell, const SavedKind & kind) try {
    constexpr ::mode_t owner_only = 0600;  // it holds what was read and answered
    WholeFile output(path, {.mode = owner_only, .stop = stop});
    std::uint64_t total = 0;
    if (tell) {
        write_contents([&](std::span<const std::byte> piece) { total += piece.size(); });
    }
    Envelope envelope{.magic = kind.magic, .version = kind.version};
    Checksum checksum;
    output.write(std::as_bytes(std::span(&envelope, 1)));
    write_contents([&](std::span<const std::byte> piece) {
        checksum.add(piece);
        envelope.size += piece.size();
        output.write(piece);
        tell(envelope.size, total);
    });
    envelope.checksum = checksum.value();
    output.overwrite(0, std::as_bytes(std::span(&envelope, 1)));
    output.commit();
    return true;
} catch (const WholeFile::Stopped &) {
    return false;
}

bool write_saved_stream(std::ostream & to, const WriteContents & write_contents, const Stop & stop,
                        const Telling & tell) try {
    const Stop later = stop.from_now_on();
    const auto check = [&] {
        if (!to) {
            raise_stream("to which a sequence is saved");
        }
    };
    const auto write = [&](std::span<const std::byte> piece) {
        if (later.requested()) {
            throw WholeFile::Stopped();
        }
        to.write(reinterpret_cast<const char *>(piece.data()), static_cast<std::streamsize>(piece.size()));
        check();
    };
    const Envelope envelope = envelope_of(write_contents, later, kSavedCache);
    std::uint64_t written = 0;
    write(std::as_bytes(std::span(&envelope, 1)));
    write_contents([&](std::span<const std::byte> piece) {
        write(piece);
        tell(written += piece.size(), envelope.size);
    });
    to.flush();
    check();
    return true;
} catch (const WholeFile::Stopped &) {
    return false;
} catch (const std::ios_base::failure &) {
    raise_stream("to which a sequence is saved");
}

SavedFile::SavedFile(const std::filesystem::path & path, const SavedKind & kind, const Stop & stop)
    : file_(path, kind.name) {
    const std::uint64_t file_bytes = file_.size();
    std::array<std::byte, sizeof(Envelope)> beginning{};
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes, beginning.size()));
    file_.read(0, std::span(beginning).first(there));
    envelope_ = checked_envelope(beginning, there, file_.path(), kind);
    const std::uint64_t size = file_bytes - sizeof envelope_;
    if (size != envelope_.size || envelope_.zero != 0) {
        raise_input("{}: {}: {} bytes of contents, expected {}", file_.path(),
                    size < envelope_.size ? "cut short" : "altered", size, envelope_.size);
    }
    Contents contents(file_, size);
    for (std::vector<std::byte> piece(std::size_t{1} << 20U); contents.left() > 0;) {
        if (stop.requested()) {
            raise_interrupted("interrupted while {} is checked", kind.name);
        }
        contents.read(
            std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), contents.left()))));
    }
    if (contents.checksum() != envelope_.checksum) {
        raise_altered(file_.path(), contents.checksum(), envelope_.checksum);
    }
}

ByteSource SavedFile::contents() const {
    const auto contents = std::make_shared<Contents>(file_, envelope_.size);
    return {envelope_.size, [this, contents](std::span<std::byte> to) {
                contents->read(to);
                if (contents->left() == 0 && contents->checksum() != envelope_.checksum) {
                    raise_input("{}: altered while it was read", file_.path());
                }
            }};
}

SavedStream::SavedStream(std::istream & from, std::string_view name) : from_(from), name_(name) {
    std::array<std::byte, sizeof(Envelope)> beginning{};
    envelope_ = checked_envelope(beginning, read_stream(from, beginning), name_, kSavedCache);
    if (envelope_.zero != 0) {
        raise_input("{}: altered: a number that is 0 in a saved cache is {}", name_, envelope_.zero);
    }
}

ByteSource SavedStream::contents() const {
    struct State {
        std::uint64_t left;
        Checksum checksum;
    };
    const auto state = std::make_shared<State>(State{envelope_.size, {}});
    return {envelope_.size, [this, state](std::span<std::byte> to) {
                if (const std::size_t there = read_stream(from_, to); there < to.size()) {
                    raise_input("{}: cut short: {} bytes of contents, expected {}", name_,
                                envelope_.size - state->left + there, envelope_.size);
                }
                state->checksum.add(to);
                state->left -= to.size();
                if (state->left == 0 && state->checksum.value() != envelope_.checksum) {
                    raise_altered(name_, state->checksum.value(), envelope_.checksum);
                }
            }};
}

}  // namespace snapkv::run
