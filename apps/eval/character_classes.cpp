#include "eval/character_classes.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace snapkv::eval {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

bool within(char32_t point, Range range) {
    return point >= range.first && point <= range.last;
}

template <typename Ranges>
bool within_any(char32_t point, const Ranges & ranges) {
    return std::any_of(ranges.begin(), ranges.end(), [&](Range range) { return within(point, range); });
}

/// Capitals and the distance to their small letters; with `step` 2 every other letter from `first` on is a capital.
struct Capitals {
    char32_t first;
    char32_t last;
    char32_t distance;
    char32_t step = 1;
};

constexpr std::array capitals{
    Capitals{U'A', U'Z', 32},     Capitals{0xC0, 0xD6, 32},       Capitals{0xD8, 0xDE, 32},
    Capitals{0x100, 0x12E, 1, 2}, Capitals{0x132, 0x136, 1, 2},   Capitals{0x139, 0x147, 1, 2},
    Capitals{0x14A, 0x176, 1, 2}, Capitals{0x179, 0x17D, 1, 2},   Capitals{0x386, 0x386, 38},
    Capitals{0x388, 0x38A, 37},   Capitals{0x38C, 0x38C, 64},     Capitals{0x38E, 0x38F, 63},
    Capitals{0x391, 0x3A1, 32},   Capitals{0x3A3, 0x3AB, 32},     Capitals{0x400, 0x40F, 80},
    Capitals{0x410, 0x42F, 32},   Capitals{0x460, 0x480, 1, 2},   Capitals{0x48A, 0x4BE, 1, 2},
    Capitals{0x4C0, 0x4C0, 15},   Capitals{0x4C1, 0x4CD, 1, 2},   Capitals{0x4D0, 0x52E, 1, 2},
    Capitals{0x531, 0x556, 48},   Capitals{0x1E00, 0x1E94, 1, 2}, Capitals{0x1EA0, 0x1EFE, 1, 2},
    Capitals{0xFF21, 0xFF3A, 32},
};

char32_t lower(char32_t point) {
    for (const Capitals & range : capitals) {
        if (within(point, {range.first, range.last}) && (point - range.first) % range.step == 0) {
            return point + range.distance;
        }
    }
    if (point == 0x178) {
        return 0xFF;  // the one small letter of Latin-1 whose capital is elsewhere
    }
    return point == 0x1E9E ? 0xDF : point;  // sharp s
}

constexpr std::array spaces{Range{0x09, 0x0D},     Range{0x1C, 0x20},     Range{0x85, 0x85},     Range{0xA0, 0xA0},
                            Range{0x1680, 0x1680}, Range{0x2000, 0x200A}, Range{0x2028, 0x2029}, Range{0x202F, 0x202F},
                            Range{0x205F, 0x205F}, Range{0x3000, 0x3000}};

/// No letters and no numbers, beyond ASCII.
constexpr std::array signs{
    Range{0x80, 0xA9},       Range{0xAB, 0xB1},       Range{0xB4, 0xB4},     Range{0xB6, 0xB8},
    Range{0xBB, 0xBB},       Range{0xBF, 0xBF},       Range{0xD7, 0xD7},     Range{0xF7, 0xF7},
    Range{0x300, 0x36F},     Range{0x1680, 0x1680},   Range{0x2000, 0x206F}, Range{0x207A, 0x207E},
    Range{0x208A, 0x208E},   Range{0x20A0, 0x2101},   Range{0x2103, 0x2106}, Range{0x2108, 0x2109},
    Range{0x2114, 0x2114},   Range{0x2116, 0x2118},   Range{0x211E, 0x2123}, Range{0x2190, 0x245F},
    Range{0x2500, 0x2775},   Range{0x2794, 0x2BFF},   Range{0x2E00, 0x2E2E}, Range{0x2E30, 0x3004},
    Range{0x3008, 0x3020},   Range{0x302A, 0x3030},   Range{0x30A0, 0x30A0}, Range{0x30FB, 0x30FB},
    Range{0xD800, 0xF8FF},   Range{0xFE00, 0xFE6F},   Range{0xFEFF, 0xFF0F}, Range{0xFF1A, 0xFF20},
    Range{0xFF3B, 0xFF40},   Range{0xFF5B, 0xFF65},   Range{0xFFE0, 0xFFFF}, Range{0x1F000, 0x1F0FF},
    Range{0x1F10D, 0x1FAFF}, Range{0xE0000, 0x10FFFF}};

/// The zeros of the scripts' own digits, each followed by the other nine.
constexpr std::array<char32_t, 37> zeros{0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6,
                                         0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0,
                                         0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
                                         0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};

}  // namespace

std::u32string lower(std::u32string_view text) {
    std::u32string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char32_t point) { return lower(point); });
    return result;
}

bool is_space(char32_t point) {
    return within_any(point, spaces);
}

bool is_punctuation(char32_t point) {
    return within(point, {U'!', U'/'}) || within(point, {U':', U'@'}) || within(point, {U'[', U'`'}) ||
           within(point, {U'{', U'~'});
}

bool is_word(char32_t point) {
    if (point < 0x80) {
        return within(point, {U'0', U'9'}) || within(point, {U'A', U'Z'}) || within(point, {U'a', U'z'}) ||
               point == U'_';
    }
    return !within_any(point, signs);
}

int digit_value(char32_t point) {
    for (const char32_t zero : zeros) {
        if (within(point, {zero, zero + 9})) {
            return static_cast<int>(point - zero);
        }
    }
    return -1;
}

}  // namespace snapkv::eval
