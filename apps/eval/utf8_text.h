#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// Whether the byte goes on with a character that an earlier one began.
[[nodiscard]] bool is_continuation(char byte);

/// Bytes of the character that begins with `first`; 0 for a byte that begins none.
[[nodiscard]] std::size_t character_size(char first);

/// The text with every byte that is not part of valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

/// The characters of a text, invalid bytes as valid_utf8() replaces them.
[[nodiscard]] std::u32string to_characters(std::string_view bytes);

/// Valid characters as UTF-8.
[[nodiscard]] std::string to_utf8(std::u32string_view characters);

/// Text that stands for itself in HTML and XML, in content and in quoted attributes. Bytes that are not UTF-8, and
/// characters that no XML document may hold (control characters, U+FFFE, U+FFFF), become U+FFFD.
[[nodiscard]] std::string escape_markup(std::string_view text);

}  // namespace snapkv::eval
