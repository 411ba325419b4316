#include "run/saved_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/raise.h"
#include "base/whole_file.h"
#include "run/checksum.h"
#include "run/envelope.h"

namespace snapkv::run {

namespace {

/// The line break within it shows up a transfer that took the file for text.
constexpr std::array<char, 8> kMagic{'S', 'N', 'A', 'P', 'K', 'V', '\r', '\n'};
constexpr std::uint32_t kVersion = 6;

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

}  // namespace

bool write_saved_file(const std::filesystem::path & path, const std::function<void(const ByteSink &)> & write_contents,
                      const std::atomic<bool> * stop) {
    constexpr ::mode_t owner_only = 0600;  // it holds what was read and answered
    try {
        WholeFile output(path, {.mode = owner_only, .stop = stop});
        Envelope envelope{.magic = kMagic, .version = kVersion};
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

SavedFile::SavedFile(const std::filesystem::path & path) : file_(path, "a saved cache") {
    check();
}

void SavedFile::check() {
    const std::string & path = file_.path();
    const std::uint64_t file_bytes = file_.size();
    std::array<std::byte, sizeof(Envelope)> beginning{};
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes, beginning.size()));
    file_.read(0, std::span(beginning).first(there));
    if (std::memcmp(beginning.data(), kMagic.data(), std::min(there, kMagic.size())) != 0) {
        raise_input("{}: not a saved cache", path);
    }
    if (there < beginning.size()) {
        raise_input("{}: cut short: {} bytes, a saved cache begins with {}", path, there, beginning.size());
    }
    Envelope envelope;
    std::memcpy(&envelope, beginning.data(), sizeof envelope);
    if (envelope.version != kVersion) {
        raise_input("{}: a saved cache of version {}, expected version {}", path, envelope.version, kVersion);
    }
    size_ = file_bytes - sizeof envelope;
    if (size_ != envelope.size || envelope.zero != 0) {
        raise_input("{}: {}: {} bytes of contents, expected {}", path, size_ < envelope.size ? "cut short" : "altered",
                    size_, envelope.size);
    }
    Contents contents(file_, size_);
    for (std::vector<std::byte> piece(std::size_t{1} << 20U); contents.left() > 0;) {
        contents.read(
            std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), contents.left()))));
    }
    checksum_ = contents.checksum();
    if (checksum_ != envelope.checksum) {
        raise_input("{}: altered: the checksum of its contents is {:016x}, expected {:016x}", path, checksum_,
                    envelope.checksum);
    }
}

ByteSource SavedFile::contents() const {
    const auto contents = std::make_shared<Contents>(file_, size_);
    return {size_, [this, contents](std::span<std::byte> to) {
                contents->read(to);
                if (contents->left() == 0 && contents->checksum() != checksum_) {
                    raise_input("{}: altered while it was read", file_.path());
                }
            }};
}

}  // namespace snapkv::run
