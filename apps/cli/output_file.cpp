#include "output_file.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <span>
#include <system_error>

#include "fail.h"
#include "snapkv/whole_file.h"

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

void write_through(const fs::path & path, std::string_view bytes) {
    const File file(std::fopen(path.c_str(), "wb"));
    if (!file || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
        std::fflush(file.get()) != 0) {
        machine_error("{}: cannot be written: {}", path.string(), eval::system_text());
    }
}

}  // namespace

void check_writable(std::string_view option, const fs::path & path) {
    std::error_code error;
    if (!path.empty() && !fs::is_directory(path, error) && is_special(path)) {
        if (access(path.c_str(), W_OK) != 0) {
            machine_error("{} {}: cannot be written: {}", option, path.string(), eval::system_text());
        }
        return;
    }
    check_replaceable(option, path);
}

void check_replaceable(std::string_view option, const fs::path & path) {
    if (path.empty()) {
        return;
    }
    try {
        check_whole_file(path);
    } catch (const Error & error) {
        machine_error("{} {}", option, error.what());
    }
}

void check_absent(std::string_view option, const fs::path & path) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
        usage_error("{} {}: already exists; --force overwrites it", option, path.string());
    }
}

void write_file(const fs::path & path, std::string_view bytes) {
    if (is_special(path)) {
        write_through(path, bytes);
    } else {
        static_cast<void>(write_whole_file(path, std::as_bytes(std::span(bytes))));  // nothing stops it
    }
}

}  // namespace snapkv::cli
