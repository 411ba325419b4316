#include "run/saved_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "base/descriptor.h"
#include "base/raise.h"
#include "base/whole_file.h"
#include "hash/xxhash/xxhash.h"

namespace snapkv::run {

namespace {

/// The line break within it shows up a transfer that took the file for text.
constexpr std::array<char, 8> kMagic{'S', 'N', 'A', 'P', 'K', 'V', '\r', '\n'};
constexpr std::uint32_t kVersion = 4;

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

}  // namespace

std::span<const std::byte> checked_contents(std::span<const std::byte> file, const std::string & path) {
    Envelope envelope;
    const std::size_t magic_there = std::min(file.size(), kMagic.size());
    if (magic_there == 0 || std::memcmp(file.data(), kMagic.data(), magic_there) != 0) {
        raise_input("{}: not a saved cache", path);
    }
    if (file.size() < sizeof envelope) {
        raise_input("{}: cut short: {} bytes, a saved cache begins with {}", path, file.size(), sizeof envelope);
    }
    std::memcpy(&envelope, file.data(), sizeof envelope);
    if (envelope.version != kVersion) {
        raise_input("{}: a saved cache of version {}, expected version {}", path, envelope.version, kVersion);
    }
    const std::span<const std::byte> contents = file.subspan(sizeof envelope);
    if (contents.size() < envelope.size) {
        raise_input("{}: cut short: {} bytes of contents, expected {}", path, contents.size(), envelope.size);
    }
    if (contents.size() > envelope.size || envelope.zero != 0) {
        raise_input("{}: altered: {} bytes of contents, expected {}", path, contents.size(), envelope.size);
    }
    const std::uint64_t checksum = XXH3_64bits(contents.data(), contents.size());
    if (checksum != envelope.checksum) {
        raise_input("{}: altered: the checksum of its contents is {:016x}, expected {:016x}", path, checksum,
                    envelope.checksum);
    }
    return contents;
}

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

SavedFile::SavedFile(const std::filesystem::path & path) {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file.valid() || ::fstat(file.number(), &status) != 0) {
        raise_input("{}: cannot be opened: {}", path.string(), system_error_text());
    }
    if (!S_ISREG(status.st_mode)) {
        raise_input("{}: not a regular file, expected a saved cache", path.string());
    }
    if (status.st_size == 0) {
        raise_input("{}: empty, expected a saved cache", path.string());
    }
    size_ = static_cast<std::size_t>(status.st_size);
    address_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (address_ == MAP_FAILED) {
        raise_machine("{}: cannot be mapped into memory: {}", path.string(), system_error_text());
    }
    try {
        contents_ = checked_contents({static_cast<const std::byte *>(address_), size_}, path.string());
    } catch (...) {
        ::munmap(address_, size_);
        throw;
    }
}

SavedFile::~SavedFile() {
    ::munmap(address_, size_);
}

}  // namespace snapkv::run
