#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gguf.h"
#include "gguf/cursor.h"

namespace snapkv::gguf {

/// One value of the metadata where it lies in the file; its length is checked, its strings' lengths too.
struct Value {
    gguf_type type = GGUF_TYPE_UINT8;  ///< of the value or of the array's elements, never GGUF_TYPE_ARRAY
    bool is_array = false;
    std::uint64_t count = 1;          ///< elements
    std::span<const std::byte> data;  ///< the elements alone; before each string its 64-bit length

    /// "u32", "str", "arr[str]": the names that GGUF tools print.
    [[nodiscard]] std::string kind() const;
};

/// By key; the keys are views of the file.
using Metadata = std::unordered_map<std::string_view, Value>;

/// Reads `count` keys and their values from where the cursor stands, right behind the header.
Metadata read_metadata(Cursor & cursor, std::uint64_t count);

/// general.alignment, or the format's default: a power of two.
std::uint64_t alignment_of(const Metadata & metadata, const std::string & path);

}  // namespace snapkv::gguf
