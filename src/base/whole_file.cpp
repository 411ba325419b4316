#include "base/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>

#include "base/raise.h"

namespace snapkv {

namespace {

constexpr std::size_t kGather = std::size_t{1} << 20U;
constexpr int kMostNames = 1000;

/// Short, so that it fits wherever the target's own name fits.
std::string temporary_name() {
    static std::atomic<unsigned> count{0};
    return fmt::format(".snapkv-{}-{}.tmp", ::getpid(), count++);
}

/// The file that the path leads to. Only a regular file, or none yet, may be replaced: a rename onto a device would
/// take its place.
std::filesystem::path target_of(const std::filesystem::path & path) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) {
        return path;
    }
    if (!std::filesystem::is_regular_file(status)) {
        raise_machine("{}: cannot be written: not a regular file", path.string());
    }
    const std::filesystem::path resolved = std::filesystem::canonical(path, error);
    return error ? path : resolved;
}

std::filesystem::path directory_of(const std::filesystem::path & path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

WholeFile::WholeFile(const std::filesystem::path & path) : path_(path), target_(target_of(path)) {
    gathered_.reserve(kGather);
    open_temporary();
}

WholeFile::~WholeFile() {
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
    }
}

void WholeFile::fail(const char * what) const {
    raise_machine("{}: {}: {}", path_.string(), what, system_error_text());
}

void WholeFile::open_temporary() {
    for (int attempt = 0; attempt < kMostNames; ++attempt) {
        const std::filesystem::path name = directory_of(target_) / temporary_name();
        constexpr ::mode_t kAsUmaskAllows = 0666;
        file_.emplace(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kAsUmaskAllows));
        if (file_->valid()) {
            temporary_ = name;
            return;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    fail("cannot be written");
}

void WholeFile::write(std::span<const std::byte> bytes) {
    if (gathered_.size() + bytes.size() > kGather) {
        flush();
    }
    if (bytes.size() >= kGather) {
        write_through(bytes);
    } else {
        gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
    }
}

void WholeFile::flush() {
    write_through(gathered_);
    gathered_.clear();
}

void WholeFile::write_through(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ::ssize_t written = ::write(file_->number(), bytes.data(), bytes.size());
        if (written >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            fail("cannot be written");
        }
    }
}

void WholeFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
    flush();
    if (::lseek(file_->number(), static_cast<::off_t>(offset), SEEK_SET) < 0) {
        fail("cannot be written");
    }
    write_through(bytes);
    if (::lseek(file_->number(), 0, SEEK_END) < 0) {
        fail("cannot be written");
    }
}

void WholeFile::commit() {
    flush();
    if (::fsync(file_->number()) != 0 || !file_->close()) {
        fail("cannot be written");
    }
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        fail("cannot be put in place");
    }
    temporary_.clear();
    sync_directory();
}

/// The rename itself lasts only once the directory is on the disk. Some file systems cannot sync a directory and say
/// EINVAL; they are taken as they are.
void WholeFile::sync_directory() const {
    const Descriptor directory(::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.valid() && ::fsync(directory.number()) != 0 && errno != EINVAL) {
        fail("written, but its directory cannot be synced");
    }
}

}  // namespace snapkv
