#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

// Classes of characters. The metrics were defined in Python; these follow Python's within the limits that are stated.

/// Small letters for capitals, one for one: ASCII, Latin-1, Latin Extended-A and Additional, Greek without its
/// polytonic and archaic letters, Cyrillic, Armenian, full-width Latin. Other scripts stay as they are. Where Python's
/// str.lower gives two code points (U+0130) or looks at the neighbours (a final sigma) this does not.
[[nodiscard]] std::u32string lower(std::u32string_view text);

/// What Python's str.split separates words by.
[[nodiscard]] bool is_space(char32_t point);

/// The punctuation of ASCII: Python's string.punctuation.
[[nodiscard]] bool is_punctuation(char32_t point);

/// What \w of a regular expression matches: letters, numbers and the underscore. Beyond Latin-1 all is taken for a
/// letter but common blocks of punctuation and symbols, the combining marks of Latin and Greek, and private use; so the
/// vowel signs of Indic scripts, for one, count as letters here and not in Python.
[[nodiscard]] bool is_word(char32_t point);

/// The digit's value, as \d of a regular expression sees it: ASCII and the decimal digits of the Basic Multilingual
/// Plane. -1 for anything else.
[[nodiscard]] int digit_value(char32_t point);

/// The parts of a text between separators, none of them empty. They are views into the text.
template <typename IsSeparator>
[[nodiscard]] std::vector<std::u32string_view> split(std::u32string_view text, const IsSeparator & is_separator) {
    std::vector<std::u32string_view> parts;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        while (end < text.size() && !is_separator(text[end])) {
            ++end;
        }
        if (end > begin) {
            parts.push_back(text.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    return parts;
}

}  // namespace snapkv::eval
