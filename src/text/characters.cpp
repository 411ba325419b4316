#include "text/characters.h"

#include <cstdint>

#include "libllama/unicode.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

unsigned classes_of_ascii(char c) {
    using namespace character;
    if (c == ' ') {
        return Blank;
    }
    if (c == '\n' || c == '\r') {
        return Break;
    }
    if (c >= '\t' && c <= '\r') {
        return White;
    }
    if (c >= '0' && c <= '9') {
        return Number;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return Letter | Ascii;
    }
    if (c < ' ' || c == 0x7F) {
        return Other;
    }
    return c == '`' ? Other | Ascii : Other | Ascii | Punctuation;
}

unsigned classes_of(std::uint32_t code_point) {
    using namespace character;
    const unicode_cpt_flags flags = unicode_cpt_flags_from_cpt(code_point);
    if (flags.is_whitespace != 0) {
        return White;
    }
    if (flags.is_letter != 0) {
        return Letter | Wide;
    }
    if (flags.is_number != 0) {
        return Number | Wide;
    }
    if (flags.is_accent_mark != 0) {
        return Mark | Wide;
    }
    return flags.is_punctuation != 0 ? Other | Wide | Punctuation : Other | Wide;
}

}  // namespace

Character first_character(std::string_view text) {
    if (text.empty()) {
        return {};
    }
    if (static_cast<unsigned char>(text.front()) < 0x80) {
        return {classes_of_ascii(text.front()), 1};
    }
    const Utf8Unit unit = first_unit(text);
    if (unit.kind != Utf8Unit::Kind::Whole) {
        return {~0U, 1};
    }
    std::uint32_t code_point = static_cast<unsigned char>(text.front()) & (0x7FU >> unit.bytes);
    for (std::size_t i = 1; i < unit.bytes; ++i) {
        code_point = (code_point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    return {classes_of(code_point), unit.bytes};
}

Character last_character(std::string_view text) {
    std::size_t begin = text.size();
    while (begin > 0 && (static_cast<unsigned char>(text[--begin]) & 0xC0U) == 0x80U) {
    }
    return first_character(text.substr(begin));
}

}  // namespace snapkv::text
