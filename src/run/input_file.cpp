#include "run/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/raise.h"

namespace snapkv::run {

// Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
InputFile::InputFile(const std::filesystem::path & path, const char * expected)
    : path_(path.string()), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (!file_.valid() || ::fstat(file_.number(), &status) != 0) {
        raise_input("{}: cannot be opened: {}", path_, system_error_text());
    }
    if (!S_ISREG(status.st_mode)) {
        raise_input("{}: not a regular file, expected {}", path_, expected);
    }
    if (status.st_size == 0) {
        raise_input("{}: empty, expected {}", path_, expected);
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> to) const {
    while (!to.empty()) {
        const ::ssize_t count = ::pread(file_.number(), to.data(), to.size(), static_cast<::off_t>(offset));
        if (count == 0) {
            raise_input("{}: cut short while it was read, at byte {}", path_, offset);
        }
        if (count > 0) {
            to = to.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        } else if (errno != EINTR) {
            raise_machine("{}: cannot be read: {}", path_, system_error_text());
        }
    }
}

}  // namespace snapkv::run
