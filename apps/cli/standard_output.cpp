#include "standard_output.h"

#include <cerrno>
#include <cstdio>

#include "fail.h"

namespace snapkv::cli {
namespace {

/// errno of the first failure; 0: none so far.
int failure = 0;

void remember(bool good) {
    if (!good) {
        failure = errno != 0 ? errno : EIO;
    }
}

}  // namespace

void print_text(std::string_view text) {
    if (failure == 0) {
        errno = 0;
        remember(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
    }
}

bool flush_standard_output() {
    if (failure == 0) {
        errno = 0;
        remember(std::fflush(stdout) == 0);
    }
    return failure == 0;
}

void finish_standard_output() {
    if (flush_standard_output()) {
        return;
    }
    if (failure == EPIPE) {
        throw BrokenPipe();
    }
    machine_error("standard output: cannot be written: {}", eval::system_text(failure));
}

}  // namespace snapkv::cli
