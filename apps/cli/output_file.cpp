#include "output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "fail.h"

namespace snapkv::cli {
namespace {

namespace fs = std::filesystem;

struct Close {
    void operator()(std::FILE * file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

/// Only a regular file can be replaced by renaming another over it.
bool is_special(const fs::path & path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    return fs::exists(status) && !fs::is_regular_file(status);
}

/// A link is to go on being one.
fs::path behind_links(const fs::path & path) {
    std::error_code error;
    const fs::path target = fs::canonical(path, error);
    return error ? path : target;
}

fs::path temporary_name(const fs::path & path) {
    fs::path name = path;
    name += fmt::format(".part-{}", getpid());
    return name;
}

void write_all(File file, const fs::path & path, std::string_view bytes) {
    bool good = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
    good = std::fflush(file.get()) == 0 && good;
    if (!good) {
        machine_error("{}: cannot be written: {}", path.string(), std::strerror(errno));
    }
}

}  // namespace

void check_writable(std::string_view option, const fs::path & path) {
    if (!path.empty() && !fs::is_directory(path) && is_special(path)) {
        if (access(path.c_str(), W_OK) != 0) {
            machine_error("{} {}: cannot be written: {}", option, path.string(), std::strerror(errno));
        }
        return;
    }
    check_replaceable(option, path);
}

void check_replaceable(std::string_view option, const fs::path & path) {
    if (path.empty()) {
        return;
    }
    if (is_special(path)) {
        machine_error("{} {}: cannot be written: not a regular file", option, path.string());
    }
    const fs::path probe = temporary_name(behind_links(path));
    const int descriptor = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        machine_error("{} {}: cannot be written: {}", option, path.string(), std::strerror(errno));
    }
    close(descriptor);
    unlink(probe.c_str());
}

void check_absent(std::string_view option, const fs::path & path) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
        usage_error("{} {}: is there already; --force overwrites it", option, path.string());
    }
}

void write_file(const fs::path & path, std::string_view bytes) {
    const bool special = is_special(path);
    const fs::path target = behind_links(path);
    const fs::path name = special ? path : temporary_name(target);
    File file(std::fopen(name.c_str(), "wb"));
    if (!file) {
        machine_error("{}: cannot be written: {}", path.string(), std::strerror(errno));
    }
    if (special) {
        write_all(std::move(file), path, bytes);
        return;
    }
    try {
        write_all(std::move(file), path, bytes);
    } catch (...) {
        unlink(name.c_str());
        throw;
    }
    if (std::rename(name.c_str(), target.c_str()) != 0) {
        const int reason = errno;
        unlink(name.c_str());
        machine_error("{}: cannot be written: {}", path.string(), std::strerror(reason));
    }
}

void finish_standard_output() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        machine_error("standard output: cannot be written: {}", std::strerror(errno));
    }
}

}  // namespace snapkv::cli
