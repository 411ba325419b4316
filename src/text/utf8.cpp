#include "text/utf8.h"

#include <cassert>
#include <cstdint>

#include "base/raise.h"

namespace snapkv::text {
namespace {

/// Length of the sequence that a first byte announces, and the range of its second byte. Length 0: not a first byte.
struct Lead {
    std::size_t length = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
};

Lead lead_of(std::uint8_t byte) {
    if (byte < 0x80) {
        return {.length = 1};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {.length = 2};
    }
    switch (byte) {
        case 0xE0:
            return {.length = 3, .low = 0xA0};
        case 0xED:
            return {.length = 3, .high = 0x9F};
        case 0xF0:
            return {.length = 4, .low = 0x90};
        case 0xF4:
            return {.length = 4, .high = 0x8F};
        default:
            break;
    }
    if (byte >= 0xE1 && byte <= 0xEF) {
        return {.length = 3};
    }
    if (byte >= 0xF1 && byte <= 0xF3) {
        return {.length = 4};
    }
    return {};
}

}  // namespace

Utf8Unit first_unit(std::string_view text) {
    assert(!text.empty());
    Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
    if (lead.length == 0) {
        return {Utf8Unit::Kind::Ill, 1};
    }
    for (std::size_t i = 1; i < lead.length; ++i) {
        if (i == text.size()) {
            return {Utf8Unit::Kind::Unfinished, i};
        }
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if (byte < lead.low || byte > lead.high) {
            return {Utf8Unit::Kind::Ill, i};
        }
        lead.low = 0x80;
        lead.high = 0xBF;
    }
    return {Utf8Unit::Kind::Whole, lead.length};
}

std::size_t find_invalid_utf8(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) {
        const Utf8Unit unit = first_unit(text.substr(offset));
        if (unit.kind != Utf8Unit::Kind::Whole) {
            return offset;
        }
        offset += unit.bytes;
    }
    return std::string_view::npos;
}

void require_utf8(std::string_view text, std::string_view what) {
    const std::size_t offset = find_invalid_utf8(text);
    if (offset != std::string_view::npos) {
        raise_input("the {} is invalid UTF-8: byte 0x{:02X} at offset {}", what,
                    static_cast<unsigned char>(text[offset]), offset);
    }
}

}  // namespace snapkv::text
