#include "base/printed_errors.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace snapkv {

PrintedErrors::PrintedErrors() : file_(memfd_create("printed", MFD_CLOEXEC)), before_(dup(STDERR_FILENO)) {
    if (file_ < 0 || before_ < 0 || dup2(file_, STDERR_FILENO) < 0) {
        throw std::runtime_error("standard error cannot be replaced");
    }
}

PrintedErrors::~PrintedErrors() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(file_);
}

std::string PrintedErrors::text() const {
    static_cast<void>(std::fflush(stderr));
    std::string text(4096, '\0');
    const ssize_t count = pread(file_, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

}  // namespace snapkv
