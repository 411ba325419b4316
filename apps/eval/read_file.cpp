#include "eval/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "eval/fail.h"
#include "snapkv/available_memory.h"

namespace snapkv::eval {
namespace {

/// Closes a descriptor at the end of a scope.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor & operator=(const Descriptor &) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

[[noreturn]] void fail(const std::string & name, const char * what) {
    input_error("{}: {}: {}", name, what, system_text());
}

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

/// Throws Error(Input) where a source has given more than any text has, or than there is memory to go on with: the
/// buffer is about to double. What never ends is refused by this.
void check_size(const std::string & name, std::size_t size) {
    constexpr std::size_t most = 2048 * mebibyte;
    if (size >= most) {
        input_error("{}: more than {} MiB, expected at most that", name, most / mebibyte);
    }
    if (available_memory() / 2 < size) {
        input_error("{}: more than {} MiB; there is too little memory to read on", name, size / mebibyte);
    }
}

/// A device that gives NUL bytes does so for ever.
void check_device(int descriptor, const std::string & name, std::string_view beginning) {
    struct stat about {};
    const bool device = ::fstat(descriptor, &about) == 0 && S_ISCHR(about.st_mode);
    if (device && !beginning.empty() && beginning.find_first_not_of('\0') == std::string_view::npos) {
        input_error("{}: a device that gives NUL bytes, not text", name);
    }
}

}  // namespace

std::string read_all(int descriptor, const std::string & name, std::size_t most) {
    constexpr std::size_t step = 8 * mebibyte;
    std::string bytes;
    std::array<char, 1U << 16U> buffer{};
    for (std::size_t checked = 0; bytes.size() < most;) {
        const ssize_t count = ::read(descriptor, buffer.data(), std::min(buffer.size(), most - bytes.size()));
        if (count == 0) {
            break;
        }
        if (count > 0) {
            const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
            if (bytes.empty()) {
                check_device(descriptor, name, piece);
            }
            bytes += piece;
            if (bytes.size() - checked >= step) {
                checked = bytes.size();
                check_size(name, checked);
            }
        } else if (errno != EINTR) {
            fail(name, "cannot be read");
        }
    }
    return bytes;
}

std::string read_file(const std::filesystem::path & path, std::size_t most) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0) {
        fail(path.string(), "cannot be opened");
    }
    return read_all(file.number(), path.string(), most);
}

}  // namespace snapkv::eval
