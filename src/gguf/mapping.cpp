#include "gguf/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdint>

#include "base/descriptor.h"
#include "base/raise.h"

namespace snapkv::gguf {

Mapping::Mapping(const std::filesystem::path & path) {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever. The mapping outlives the
    // descriptor.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) {
        raise_input("{}: cannot be opened: {}", path.string(), system_error_text());
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) {
        raise_input("{}: cannot be examined: {}", path.string(), system_error_text());
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
        raise_machine("{}: cannot be mapped into memory: {}", path.string(), system_error_text());
    }
    bytes_ = {static_cast<const std::byte *>(address), size};
}

Mapping::~Mapping() {
    ::munmap(const_cast<std::byte *>(bytes_.data()), bytes_.size());
}

}  // namespace snapkv::gguf
