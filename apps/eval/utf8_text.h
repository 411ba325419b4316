#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// Whether the byte goes on with a character that an earlier one began.
[[nodiscard]] bool is_continuation(char byte);

/// Bytes of the character that begins with `first`; 0 for a byte that begins none.
[[nodiscard]] std::size_t character_size(char first);

/// The code points of a UTF-8 text. Each ill-formed part (Unicode 3.9, table 3-7) becomes one U+FFFD.
[[nodiscard]] std::u32string code_points(std::string_view text);

/// Offset of the first byte that belongs to no whole character; npos for valid UTF-8.
[[nodiscard]] std::size_t find_ill_formed(std::string_view text);

/// Code points as UTF-8.
[[nodiscard]] std::string to_utf8(std::u32string_view points);

/// The text with every ill-formed part replaced by U+FFFD, as code_points() finds them.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

/// Text that stands for itself in HTML and XML, in content and in quoted attributes. What is not UTF-8, and characters
/// that no XML document may hold (control characters, U+FFFE, U+FFFF), become U+FFFD.
[[nodiscard]] std::string escape_markup(std::string_view text);

}  // namespace snapkv::eval
