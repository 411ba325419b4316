#include "base/whole_file.h"
#include "base/out_of_memory.h"

#include <fcntl.h>

#include <algorithm>
#include <new>

#include "base/raise.h"
#include "snapkv/whole_file.h"

namespace snapkv {

namespace {

namespace fs = std::filesystem;

/// Gathered before it is written, and written between two looks at the stop flag.
constexpr std::size_t kBlock = std::size_t{1} << 20U;
constexpr ::mode_t kOwnerOnly = 0600;

/// The file that a path leads to, though it is not there yet.
fs::path behind_links(const fs::path & path) {
    constexpr int most_links = 40;  // as the kernel counts
    fs::path target = path;
    std::error_code error;
    for (int i = 0; fs::is_symlink(fs::symlink_status(target, error)); ++i) {
        if (i == most_links) {
            raise_machine("{}: cannot be written: {}", path.string(),
                          std::make_error_code(std::errc::too_many_symbolic_link_levels).message());
        }
        target = target.parent_path() / fs::read_symlink(target, error);  // which may be absolute
    }
    return target;
}

/// Only a regular file, or none yet, may be replaced: a rename onto a device would take its place. Nor is one that may
/// not be written, though a rename would do it.
fs::path target_of(const fs::path & path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
        return behind_links(path);
    }
    if (!fs::is_regular_file(status)) {
        raise_machine("{}: cannot be written: not a regular file", path.string());
    }
    if (::access(path.c_str(), W_OK) != 0) {
        raise_machine("{}: cannot be written: {}", path.string(), system_error_text());
    }
    const fs::path resolved = fs::canonical(path, error);
    return error ? path : resolved;
}

fs::path directory_of(const fs::path & path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// How a descriptor's file is called where it has no other name.
std::string descriptor_path(const Descriptor & file) {
    return fmt::format("/proc/self/fd/{}", file.number());
}

}  // namespace

WholeFile::WholeFile(const fs::path & path, const WholeFileOptions & options)
    : path_(path), target_(target_of(path)), stop_(options.stop.from_now_on()) {
    struct stat there {};
    if (::stat(target_.c_str(), &there) == 0) {
        replaced_ = there;
    }
    gathered_.reserve(kBlock);
    open_temporary(options);
}

WholeFile::~WholeFile() = default;

void WholeFile::fail(const char * what) const {
    raise_machine("{}: {}: {}", path_.string(), what, system_error_text());
}

void WholeFile::open_temporary(const WholeFileOptions & options) {
    const fs::path directory = directory_of(target_);
    const ::mode_t mode = replaced_ ? kOwnerOnly : options.mode;  // what is private stays so while it is written
    if (options.nameless) {
        file_.emplace(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
        if (file_->valid() && ::access(descriptor_path(*file_).c_str(), F_OK) == 0) {
            return;
        }
    }
    temporary_.emplace(directory);
    file_.emplace(::open(temporary_->c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file_->valid()) {
        fail("cannot be written");
    }
}

void WholeFile::write(std::span<const std::byte> bytes) {
    if (gathered_.size() + bytes.size() > kBlock) {
        flush();
    }
    if (bytes.size() >= kBlock) {
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
        if (stop_.requested()) {
            throw Stopped();
        }
        const ::ssize_t written = ::write(file_->number(), bytes.data(), std::min(bytes.size(), kBlock));
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

void WholeFile::read(std::uint64_t offset, std::span<std::byte> to) {
    flush();
    while (!to.empty()) {
        const ::ssize_t count = ::pread(file_->number(), to.data(), to.size(), static_cast<::off_t>(offset));
        if (count > 0) {
            to = to.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        } else if (count == 0 || errno != EINTR) {
            fail("cannot be read back");
        }
    }
}

/// The owner, group and permissions of the file that is replaced. Where its group cannot be given, that group's
/// permissions go to nobody who had fewer. A file system without permissions refuses, which is as well.
void WholeFile::keep_access() {
    constexpr ::mode_t permissions = 0777;
    constexpr ::mode_t of_others = 0007;
    constexpr unsigned group_bits = 3;
    ::mode_t mode = replaced_->st_mode & permissions;
    if (::fchown(file_->number(), replaced_->st_uid, replaced_->st_gid) != 0 &&
        ::fchown(file_->number(), static_cast<::uid_t>(-1), replaced_->st_gid) != 0) {
        mode &= ~(of_others << group_bits) | ((mode & of_others) << group_bits);
    }
    static_cast<void>(::fchmod(file_->number(), mode));
}

void WholeFile::give_name() {
    if (temporary_) {
        return;
    }
    temporary_.emplace(directory_of(target_));
    if (::linkat(AT_FDCWD, descriptor_path(*file_).c_str(), AT_FDCWD, temporary_->c_str(), AT_SYMLINK_FOLLOW) != 0) {
        fail("cannot be put in place");
    }
}

void WholeFile::commit() {
    flush();
    if (replaced_) {
        keep_access();
    }
    if (::fsync(file_->number()) != 0) {
        fail("cannot be written");
    }
    if (stop_.requested()) {
        throw Stopped();
    }
    give_name();
    if (!file_->close()) {
        fail("cannot be written");
    }
    if (::rename(temporary_->c_str(), target_.c_str()) != 0) {
        fail("cannot be put in place");
    }
    temporary_->keep();
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

bool write_whole_file(const fs::path & path, std::span<const std::byte> bytes, const std::atomic<bool> * stop) try {
    try {
        WholeFile file(path, {.stop = Stop(stop)});
        file.write(bytes);
        file.commit();
    } catch (const WholeFile::Stopped &) {
        return false;
    }
    return true;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

WholeFileWriter::WholeFileWriter(const fs::path & path) try : file_(std::make_unique<WholeFile>(path)) {
} catch (const std::bad_alloc &) {
    out_of_memory();
}

WholeFileWriter::~WholeFileWriter() = default;

void WholeFileWriter::write(std::span<const std::byte> bytes) try {
    file_->write(bytes);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

void WholeFileWriter::commit() try { file_->commit(); } catch (const std::bad_alloc &) {
    out_of_memory();
}

void check_whole_file(const fs::path & path) try {
    const WholeFile never_committed(path);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv
