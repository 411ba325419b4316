#include "utf8_text.h"

#include <algorithm>

namespace snapkv::eval {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
bool second_byte_fits(char first, char second) {
    const auto a = static_cast<unsigned char>(first);
    const auto b = static_cast<unsigned char>(second);
    return !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F) && !(a == 0xF0 && b < 0x90) && !(a == 0xF4 && b > 0x8F);
}

/// The size of the whole, valid character at the beginning of `bytes`; 0 where there is none.
std::size_t valid_character(std::string_view bytes) {
    const std::size_t size = character_size(bytes.front());
    if (size == 0 || size > bytes.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < size; ++i) {
        if (!is_continuation(bytes[i])) {
            return 0;
        }
    }
    return size == 1 || second_byte_fits(bytes[0], bytes[1]) ? size : 0;
}

/// What stands for a valid character in markup.
std::string_view escaped(std::string_view character) {
    const char first = character.front();
    switch (first) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        case '\t':
        case '\n':
        case '\r':
            return character;
        default:
            break;
    }
    const bool no_character = character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
    return no_character || static_cast<unsigned char>(first) < 0x20 ? replacement : character;
}

}  // namespace

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::size_t character_size(char first) {
    const auto byte = static_cast<unsigned char>(first);
    if (byte < 0x80) {
        return 1;
    }
    if (byte >= 0xC2 && byte < 0xE0) {
        return 2;
    }
    if (byte >= 0xE0 && byte < 0xF0) {
        return 3;
    }
    return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

std::string valid_utf8(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t size = valid_character(bytes);
        text += size > 0 ? bytes.substr(0, size) : replacement;
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return text;
}

std::u32string to_characters(std::string_view bytes) {
    constexpr char32_t lead_bits[]{0, 0x7F, 0x1F, 0x0F, 0x07};
    std::u32string characters;
    while (!bytes.empty()) {
        const std::size_t size = valid_character(bytes);
        char32_t character = U'\uFFFD';
        if (size > 0) {
            character = static_cast<unsigned char>(bytes[0]) & lead_bits[size];
            for (std::size_t i = 1; i < size; ++i) {
                character = (character << 6U) | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
            }
        }
        characters += character;
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return characters;
}

std::string to_utf8(std::u32string_view characters) {
    std::string text;
    for (const char32_t character : characters) {
        if (character < 0x80) {
            text += static_cast<char>(character);
            continue;
        }
        const unsigned tails = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
        const char32_t lead = (0xF00U >> (tails + 1)) & 0xFFU;
        text += static_cast<char>(lead | (character >> 6U * tails));
        for (unsigned tail = tails; tail-- > 0;) {
            text += static_cast<char>(0x80U | ((character >> 6U * tail) & 0x3FU));
        }
    }
    return text;
}

std::string escape_markup(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t size = valid_character(text);
        out += size > 0 ? escaped(text.substr(0, size)) : replacement;
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

}  // namespace snapkv::eval
