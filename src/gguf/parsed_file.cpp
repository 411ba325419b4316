#include "gguf/parsed_file.h"

#include <string>

#include "base/raise.h"
#include "gguf/cursor.h"
#include "gguf/tensor_table.h"

namespace snapkv::gguf {
namespace {

struct Counts {
    std::uint64_t tensors = 0;
    std::uint64_t keys = 0;
};

/// Magic, version and the two counts.
Counts read_header(Cursor & cursor) {
    if (cursor.size() < sizeof(std::uint32_t) || std::memcmp(cursor.take(4, 1).data(), GGUF_MAGIC, 4) != 0) {
        raise_input("{}: not a GGUF file", cursor.path());
    }
    const auto version = cursor.integer<std::uint32_t>();
    if (version != 2 && version != GGUF_VERSION) {
        const bool swapped = (version & 0xFFFFU) == 0 && version != 0;
        raise_input("{}: a GGUF file of version {}{}, expected 2 or {}", cursor.path(), version,
                    swapped ? " (written for the other byte order?)" : "", GGUF_VERSION);
    }
    Counts counts;
    counts.tensors = cursor.integer<std::uint64_t>();
    counts.keys = cursor.integer<std::uint64_t>();
    return counts;
}

}  // namespace

ParsedFile::ParsedFile(const std::filesystem::path & from) : path(from), mapping(from) {
    const std::string name = path.string();
    Cursor cursor(mapping.bytes(), name);
    const Counts counts = read_header(cursor);
    metadata = read_metadata(cursor, counts.keys);
    tensors = read_tensor_table(cursor, counts.tensors, alignment_of(metadata, name));
    header_bytes = cursor.offset();
}

}  // namespace snapkv::gguf
