#include "gguf/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/raise.h"

namespace snapkv::gguf {
namespace {

std::string last_system_error() {
    return std::error_code(errno, std::generic_category()).message();
}

/// Closes on every way out; the mapping outlives the descriptor.
class Descriptor {
public:
    explicit Descriptor(const std::filesystem::path & path)
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (number_ < 0) {
            raise_input("{}: cannot be opened: {}", path.string(), last_system_error());
        }
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor & operator=(const Descriptor &) = delete;
    ~Descriptor() { ::close(number_); }

    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

}  // namespace

Mapping::Mapping(const std::filesystem::path & path) {
    const Descriptor file(path);
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) {
        raise_input("{}: cannot be examined: {}", path.string(), last_system_error());
    }
    if (!S_ISREG(status.st_mode)) {
        raise_input("{}: not a regular file, expected a GGUF file", path.string());
    }
    if (status.st_size == 0) {
        raise_input("{}: empty, expected a GGUF file", path.string());
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    const void * address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (address == MAP_FAILED) {
        raise_machine("{}: cannot be mapped into memory: {}", path.string(), last_system_error());
    }
    bytes_ = {static_cast<const std::byte *>(address), size};
}

Mapping::~Mapping() {
    ::munmap(const_cast<std::byte *>(bytes_.data()), bytes_.size());
}

}  // namespace snapkv::gguf
