#include "eval/utf8_text.h"

#include <cstdint>

namespace snapkv::eval {
namespace {

constexpr char32_t replacement = 0xFFFD;

/// What a text begins with: a character, or an ill-formed part of `bytes`.
struct Unit {
    std::size_t bytes = 1;
    bool whole = false;
    char32_t point = replacement;
};

/// What a first byte announces, and where its second byte must lie.
struct Lead {
    std::size_t bytes = 0;  ///< 0: no first byte
    char32_t bits = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
};

Lead lead_of(std::uint8_t byte) {
    if (byte < 0x80) {
        return {.bytes = 1, .bits = byte};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {.bytes = 2, .bits = byte & 0x1FU};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        const std::uint8_t low = byte == 0xE0 ? 0xA0 : 0x80;   // nothing that two bytes can say
        const std::uint8_t high = byte == 0xED ? 0x9F : 0xBF;  // no surrogates
        return {.bytes = 3, .bits = byte & 0x0FU, .low = low, .high = high};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        const std::uint8_t low = byte == 0xF0 ? 0x90 : 0x80;   // nothing that three bytes can say
        const std::uint8_t high = byte == 0xF4 ? 0x8F : 0xBF;  // nothing beyond U+10FFFF
        return {.bytes = 4, .bits = byte & 0x07U, .low = low, .high = high};
    }
    return {};
}

Unit first_unit(std::string_view text) {
    Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
    if (lead.bytes == 0) {
        return {};
    }
    char32_t point = lead.bits;
    for (std::size_t i = 1; i < lead.bytes; ++i) {
        const auto byte = i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
        if (byte < lead.low || byte > lead.high) {
            return {.bytes = i};
        }
        lead.low = 0x80;
        lead.high = 0xBF;
        point = point << 6U | (byte & 0x3FU);
    }
    return {.bytes = lead.bytes, .whole = true, .point = point};
}

/// Appends what stands for a character in markup.
void append_escaped(std::string & out, char32_t point) {
    switch (point) {
        case U'&':
            out += "&amp;";
            return;
        case U'<':
            out += "&lt;";
            return;
        case U'>':
            out += "&gt;";
            return;
        case U'"':
            out += "&quot;";
            return;
        case U'\'':
            out += "&#39;";
            return;
        default:
            break;
    }
    const bool blank = point == U'\t' || point == U'\n' || point == U'\r';
    const bool forbidden = (point < 0x20 && !blank) || point == 0xFFFE || point == 0xFFFF;
    out += to_utf8(std::u32string_view(forbidden ? &replacement : &point, 1));
}

}  // namespace

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::size_t character_size(char first) {
    return lead_of(static_cast<std::uint8_t>(first)).bytes;
}

std::u32string code_points(std::string_view text) {
    std::u32string points;
    points.reserve(text.size());
    while (!text.empty()) {
        const Unit unit = first_unit(text);
        points.push_back(unit.point);
        text.remove_prefix(unit.bytes);
    }
    return points;
}

std::size_t find_ill_formed(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) {
        const Unit unit = first_unit(text.substr(offset));
        if (!unit.whole) {
            return offset;
        }
        offset += unit.bytes;
    }
    return std::string_view::npos;
}

std::string to_utf8(std::u32string_view points) {
    std::string text;
    for (const char32_t point : points) {
        if (point < 0x80) {
            text += static_cast<char>(point);
            continue;
        }
        const unsigned tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        const char32_t lead = (0xF00U >> (tails + 1)) & 0xFFU;
        text += static_cast<char>(lead | (point >> 6U * tails));
        for (unsigned tail = tails; tail-- > 0;) {
            text += static_cast<char>(0x80U | ((point >> 6U * tail) & 0x3FU));
        }
    }
    return text;
}

std::string valid_utf8(std::string_view bytes) {
    return to_utf8(code_points(bytes));
}

std::string escape_markup(std::string_view text) {
    std::string out;
    for (const char32_t point : code_points(text)) {
        append_escaped(out, point);
    }
    return out;
}

}  // namespace snapkv::eval
