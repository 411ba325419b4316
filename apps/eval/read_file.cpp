#include "eval/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "eval/fail.h"

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
    const std::error_code reason(errno, std::generic_category());
    input_error("{}: {}: {}", name, what, reason.message());
}

}  // namespace

std::string read_all(int descriptor, const std::string & name, std::size_t most) {
    std::string bytes;
    std::array<char, 1U << 16U> buffer{};
    while (bytes.size() < most) {
        const ssize_t count = ::read(descriptor, buffer.data(), std::min(buffer.size(), most - bytes.size()));
        if (count == 0) {
            break;
        }
        if (count > 0) {
            bytes.append(buffer.data(), static_cast<std::size_t>(count));
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
