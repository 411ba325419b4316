#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace snapkv::cli {

/// Whether a descriptor is a terminal that understands escape sequences: none does whose TERM is unset, empty or dumb.
[[nodiscard]] bool takes_escapes(int descriptor);

/// The columns that a terminal has now; where it does not say, COLUMNS or 80.
[[nodiscard]] std::size_t columns_of(int descriptor);

/// The columns that a text takes on a terminal: two a wide character, none a combining mark. Control characters and
/// bytes that are not UTF-8 count as the one that stands for them in cut_to_columns().
[[nodiscard]] std::size_t columns_taken(std::string_view text);

/// As much of the beginning of a text as fits into so many columns, with U+FFFD for control characters and for bytes
/// that are not UTF-8.
[[nodiscard]] std::string cut_to_columns(std::string_view text, std::size_t columns);

}  // namespace snapkv::cli
