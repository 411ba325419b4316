#pragma once

#include <cstddef>
#include <string_view>

namespace snapkv::text {

inline constexpr std::string_view ascii_white_space = " \t\n\v\f\r";
inline constexpr std::string_view visible_space = "\xE2\x96\x81";  // U+2581, SentencePiece's way to write a space

/// What a character is to libllama's expressions and loops: bits of a set.
namespace character {
enum Class : unsigned {
    Letter = 1U << 0U,
    Mark = 1U << 1U,
    Number = 1U << 2U,
    Break = 1U << 3U,  ///< a line feed or carriage return
    Blank = 1U << 4U,  ///< U+0020
    White = 1U << 5U,  ///< any other white space
    Other = 1U << 6U,  ///< none of these: punctuation, symbols, control characters

    Punctuation = 1U << 7U,  ///< also: Unicode's, and ASCII's symbols but for the backtick
    Ascii = 1U << 8U,        ///< also: a letter or symbol of ASCII
    Wide = 1U << 9U,         ///< also: not ASCII, no white space
};
inline constexpr unsigned any_white = Break | Blank | White;
inline constexpr unsigned any_text = Letter | Mark | Number | Other;
}  // namespace character

struct Character {
    unsigned classes = 0;  ///< 0: there is none
    std::size_t bytes = 0;

    [[nodiscard]] bool is(unsigned wanted) const { return (classes & wanted) != 0; }
    [[nodiscard]] bool is_ascii_letter() const { return is(character::Letter) && is(character::Ascii); }
};

/// The first character of a text. Bytes that belong to no character are of all classes, one by one.
Character first_character(std::string_view text);
/// The last one of valid UTF-8.
Character last_character(std::string_view text);

}  // namespace snapkv::text
