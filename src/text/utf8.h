#pragma once

#include <cstddef>
#include <string_view>

namespace snapkv::text {

/// What a text begins with.
struct Utf8Unit {
    enum class Kind {
        Whole,       ///< a well-formed character
        Unfinished,  ///< the beginning of one, and the text ends there
        Ill,         ///< a maximal part that can never become one
    };
    Kind kind = Kind::Ill;
    std::size_t bytes = 1;
};

/// The first unit of a text that is not empty, by the table of well-formed sequences in the Unicode standard (3.9,
/// table 3-7): overlong forms, surrogates and values beyond U+10FFFF are ill-formed.
Utf8Unit first_unit(std::string_view text);

/// Offset of the first byte that belongs to no whole character; npos for valid UTF-8.
std::size_t find_invalid_utf8(std::string_view text);

/// Throws Error(Input) unless the text is valid UTF-8. `what` names it: "document", say.
void require_utf8(std::string_view text, std::string_view what);

}  // namespace snapkv::text
