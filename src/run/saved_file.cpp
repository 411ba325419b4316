#include "run/saved_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/raise.h"
#include "base/whole_file.h"
#include "hash/xxhash/xxhash.h"

namespace snapkv::run {

namespace {

/// The line break within it shows up a transfer that took the file for text.
constexpr std::array<char, 8> kMagic{'S', 'N', 'A', 'P', 'K', 'V', '\r', '\n'};
constexpr std::uint32_t kVersion = 5;

/// What comes before the contents. Its fields fill it without gaps, so that it is the file's first bytes.
struct Envelope {
    std::array<char, 8> magic = kMagic;
    std::uint32_t version = kVersion;
    std::uint32_t zero = 0;
    std::uint64_t size = 0;      ///< bytes of the contents
    std::uint64_t checksum = 0;  ///< XXH3, 64 bits, of the contents
};
static_assert(sizeof(Envelope) == 32 && std::has_unique_object_representations_v<Envelope>);

/// XXH3 over pieces.
class Checksum {
public:
    Checksum() : state_(XXH3_createState()) {
        if (!state_) {
            throw std::bad_alloc();
        }
        XXH3_64bits_reset(state_.get());
    }
    void add(std::span<const std::byte> bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }
    [[nodiscard]] std::uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

private:
    struct Free {
        void operator()(XXH3_state_t * state) const { XXH3_freeState(state); }
    };
    std::unique_ptr<XXH3_state_t, Free> state_;
};

void read_at(const Descriptor & file, const std::string & path, std::uint64_t offset, std::span<std::byte> to) {
    while (!to.empty()) {
        const ::ssize_t count = ::pread(file.number(), to.data(), to.size(), static_cast<::off_t>(offset));
        if (count == 0) {
            raise_input("{}: cut short while it was read, at byte {}", path, offset);
        }
        if (count > 0) {
            to = to.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        } else if (errno != EINTR) {
            raise_machine("{}: cannot be read: {}", path, system_error_text());
        }
    }
}

/// The contents of an open file, front to back, small pieces by way of a window.
class Contents {
public:
    Contents(const Descriptor & file, const std::string & path, std::uint64_t size)
        : file_(file), path_(path), left_(size) {}

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
        read_at(file_, path_, offset_, to);
        checksum_.add(to);
        offset_ += to.size();
        left_ -= to.size();
    }

    const Descriptor & file_;
    const std::string & path_;
    std::uint64_t left_;
    std::uint64_t offset_ = sizeof(Envelope);
    std::vector<std::byte> memory_;
    std::span<std::byte> window_;  ///< fetched and not read yet
    Checksum checksum_;
};

}  // namespace

bool write_saved_file(const std::filesystem::path & path, const std::function<void(const ByteSink &)> & write_contents,
                      const std::atomic<bool> * stop) {
    constexpr ::mode_t owner_only = 0600;  // it holds what was read and answered
    try {
        WholeFile output(path, {.mode = owner_only, .stop = stop});
        Envelope envelope;
        Checksum checksum;
        output.write(std::as_bytes(std::span(&envelope, 1)));
        write_contents([&](std::span<const std::byte> piece) {
            checksum.add(piece);
            envelope.size += piece.size();
            output.write(piece);
        });
        envelope.checksum = checksum.value();
        output.overwrite(0, std::as_bytes(std::span(&envelope, 1)));
        output.commit();
    } catch (const WholeFile::Stopped &) {
        return false;
    }
    return true;
}

// Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
SavedFile::SavedFile(const std::filesystem::path & path)
    : path_(path.string()), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (!file_.valid() || ::fstat(file_.number(), &status) != 0) {
        raise_input("{}: cannot be opened: {}", path_, system_error_text());
    }
    if (!S_ISREG(status.st_mode)) {
        raise_input("{}: not a regular file, expected a saved cache", path_);
    }
    if (status.st_size == 0) {
        raise_input("{}: empty, expected a saved cache", path_);
    }
    check(static_cast<std::uint64_t>(status.st_size));
}

void SavedFile::check(std::uint64_t file_bytes) {
    std::array<std::byte, sizeof(Envelope)> beginning{};
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes, beginning.size()));
    read_at(file_, path_, 0, std::span(beginning).first(there));
    if (std::memcmp(beginning.data(), kMagic.data(), std::min(there, kMagic.size())) != 0) {
        raise_input("{}: not a saved cache", path_);
    }
    if (there < beginning.size()) {
        raise_input("{}: cut short: {} bytes, a saved cache begins with {}", path_, there, beginning.size());
    }
    Envelope envelope;
    std::memcpy(&envelope, beginning.data(), sizeof envelope);
    if (envelope.version != kVersion) {
        raise_input("{}: a saved cache of version {}, expected version {}", path_, envelope.version, kVersion);
    }
    size_ = file_bytes - sizeof envelope;
    if (size_ != envelope.size || envelope.zero != 0) {
        raise_input("{}: {}: {} bytes of contents, expected {}", path_, size_ < envelope.size ? "cut short" : "altered",
                    size_, envelope.size);
    }
    Contents contents(file_, path_, size_);
    for (std::vector<std::byte> piece(std::size_t{1} << 20U); contents.left() > 0;) {
        contents.read(
            std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), contents.left()))));
    }
    checksum_ = contents.checksum();
    if (checksum_ != envelope.checksum) {
        raise_input("{}: altered: the checksum of its contents is {:016x}, expected {:016x}", path_, checksum_,
                    envelope.checksum);
    }
}

ByteSource SavedFile::contents() const {
    const auto contents = std::make_shared<Contents>(file_, path_, size_);
    return {size_, [this, contents](std::span<std::byte> to) {
                contents->read(to);
                if (contents->left() == 0 && contents->checksum() != checksum_) {
                    raise_input("{}: altered while it was read", path_);
                }
            }};
}

}  // namespace snapkv::run
