#include <algorithm>
#include <cstring>

#include "gguf/file.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace snapkv::gguf {
namespace {

void add(sha256_t & hash, std::span<const std::byte> bytes) {
    sha256_update(&hash, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
}

}  // namespace

std::array<std::uint8_t, 32> identity(const File & file) {
    constexpr std::size_t edge = 4096;
    sha256_t hash{};
    sha256_init(&hash);
    auto tensor = file.tensors().begin();
    for (std::size_t part = 0; part < file.parts().size(); ++part) {
        const Part & opened = file.parts()[part];
        add(hash, opened.bytes.first(opened.header_bytes));
        const std::uint64_t size = opened.bytes.size();
        add(hash, std::as_bytes(std::span(&size, 1)));
        for (; tensor != file.tensors().end() && tensor->part == part; ++tensor) {
            const std::span<const std::byte> data = file.data(*tensor);
            add(hash, data.first(std::min(edge, data.size())));
            add(hash, data.last(std::min(edge, data.size())));
        }
    }
    std::array<std::uint8_t, 32> digest{};
    static_assert(SHA256_DIGEST_SIZE == sizeof digest);
    sha256_final(&hash, digest.data());
    return digest;
}

}  // namespace snapkv::gguf
