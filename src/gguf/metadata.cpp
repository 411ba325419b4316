#include "gguf/metadata.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>

#include "base/raise.h"

namespace snapkv::gguf {
namespace {

// Far above any real file. They bound the time and memory of those who copy the metadata element by element: libllama
// takes up to a hundred bytes for a string that takes eight in the file.
constexpr std::uint64_t most_keys = std::uint64_t{1} << 16U;
constexpr std::uint64_t most_elements = std::uint64_t{1} << 24U;
constexpr std::size_t longest_key = 65535;  // the format's own limit

gguf_type read_type(Cursor & cursor, bool in_array) {
    const auto number = cursor.integer<std::uint32_t>();
    if (number >= GGUF_TYPE_COUNT || (in_array && number == GGUF_TYPE_ARRAY)) {
        raise_input("{}: {} has the unknown {}type {}", cursor.path(), cursor.place(), in_array ? "element " : "",
                    number);
    }
    return static_cast<gguf_type>(number);
}

std::uint64_t size_of(gguf_type type) {
    switch (type) {
        case GGUF_TYPE_UINT16:
        case GGUF_TYPE_INT16:
            return 2;
        case GGUF_TYPE_UINT32:
        case GGUF_TYPE_INT32:
        case GGUF_TYPE_FLOAT32:
            return 4;
        case GGUF_TYPE_UINT64:
        case GGUF_TYPE_INT64:
        case GGUF_TYPE_FLOAT64:
            return 8;
        default:
            return 1;
    }
}

void skip_elements(Cursor & cursor, gguf_type type, std::uint64_t count) {
    if (type != GGUF_TYPE_STRING) {
        cursor.take(count, size_of(type));
        return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        cursor.string();
    }
}

Value read_value(Cursor & cursor, std::uint64_t & elements) {
    Value value;
    value.type = read_type(cursor, false);
    if (value.type == GGUF_TYPE_ARRAY) {
        value.is_array = true;
        value.type = read_type(cursor, true);
        value.count = cursor.integer<std::uint64_t>();
        if (value.count > most_elements - elements) {
            raise_input("{}: {} says it has {} elements, expected at most {} in the whole file", cursor.path(),
                        cursor.place(), value.count, most_elements);
        }
        elements += value.count;
    }
    const std::size_t start = cursor.offset();
    skip_elements(cursor, value.type, value.count);
    value.data = cursor.since(start);
    return value;
}

}  // namespace

std::string Value::kind() const {
    return is_array ? fmt::format("arr[{}]", gguf_type_name(type)) : gguf_type_name(type);
}

Metadata read_metadata(Cursor & cursor, std::uint64_t count) {
    if (count > most_keys) {
        raise_input("{}: the header says there are {} keys, expected at most {}", cursor.path(), count, most_keys);
    }
    Metadata metadata;
    std::uint64_t elements = 0;
    for (std::uint64_t i = 1; i <= count; ++i) {
        cursor.enter("key", i);
        const std::string_view key = cursor.name(longest_key);
        if (!metadata.emplace(key, read_value(cursor, elements)).second) {
            raise_input("{}: {} occurs twice", cursor.path(), cursor.place());
        }
    }
    return metadata;
}

std::uint64_t alignment_of(const Metadata & metadata, const std::string & path) {
    constexpr std::uint32_t least = 8;  // the format's own limit
    constexpr std::uint32_t most = 1U << 20U;
    const auto found = metadata.find(GGUF_KEY_GENERAL_ALIGNMENT);
    if (found == metadata.end()) {
        return GGUF_DEFAULT_ALIGNMENT;
    }
    const Value & value = found->second;
    if (value.is_array || value.type != GGUF_TYPE_UINT32) {
        raise_input("{}: key '{}' is {}, expected u32", path, GGUF_KEY_GENERAL_ALIGNMENT, value.kind());
    }
    std::uint32_t alignment = 0;
    std::memcpy(&alignment, value.data.data(), sizeof alignment);
    if (!std::has_single_bit(alignment) || alignment < least || alignment > most) {
        raise_input("{}: key '{}' is {}, expected a power of two from {} to {}", path, GGUF_KEY_GENERAL_ALIGNMENT,
                    alignment, least, most);
    }
    return alignment;
}

}  // namespace snapkv::gguf
