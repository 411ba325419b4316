#include "eval/content_hash.h"

#include <fmt/format.h>

#include <array>

#include "eval/fail.h"
#include "eval/read_file.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace snapkv::eval {

std::string content_hash(std::string_view bytes) {
    std::array<unsigned char, SHA256_DIGEST_SIZE> digest{};
    sha256_t hash{};
    sha256_init(&hash);
    sha256_update(&hash, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
    sha256_final(&hash, digest.data());
    std::string text;
    for (const unsigned char byte : digest) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

std::string file_hash(const std::filesystem::path & path) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        input_error("{}: not a regular file; experiment data must be readable more than once", path.string());
    }
    return content_hash(read_file(path));
}

}  // namespace snapkv::eval
