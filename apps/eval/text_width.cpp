#include "eval/text_width.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

/// Advances of ' ' to '~' in thousandths of the font size.
constexpr std::array<std::uint16_t, 95> advances{
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
constexpr double usual_advance = 0.65;
constexpr double bold_factor = 1.13;

double advance(char32_t character) {
    if (character >= ' ' && character <= '~') {
        return advances[character - ' '] / 1000.0;
    }
    const bool combining = character >= 0x300 && character < 0x370;
    const bool wide = character >= 0x1100;
    const bool punctuation = character >= 0x2000 && character < 0x2070;
    return combining ? 0 : wide && !punctuation ? 1.05 : usual_advance;
}

double width_of(std::u32string_view text, double size, bool bold) {
    double width = 0;
    for (const char32_t character : text) {
        width += advance(character);
    }
    return width * size * (bold ? bold_factor : 1);
}

std::u32string shortened(const std::u32string & text, double size, double width, bool bold) {
    if (width_of(text, size, bold) <= width) {
        return text;
    }
    // No letter is narrower than a quarter of the size, so that more than this many cannot fit.
    const auto most = static_cast<std::size_t>(width / size * 4) + 3;
    for (std::size_t kept = std::min(text.size(), most); kept-- > 2;) {
        const std::size_t head = (kept + 1) / 2;
        std::u32string shorter = text.substr(0, head) + U'\u2026' + text.substr(text.size() - (kept - head));
        if (width_of(shorter, size, bold) <= width) {
            return shorter;
        }
    }
    return text.substr(0, 1) + U'\u2026';
}

std::vector<std::u32string> words_of(const std::u32string & text) {
    std::vector<std::u32string> words(1);
    for (const char32_t character : text) {
        if (character == ' ' || character == '\n' || character == '\t') {
            words.emplace_back();
        } else {
            words.back() += character;
        }
    }
    words.erase(std::remove(words.begin(), words.end(), std::u32string()), words.end());
    return words;
}

}  // namespace

double text_width(std::string_view text, double size, bool bold) {
    return width_of(code_points(text), size, bold);
}

std::string fit_text(std::string_view text, double size, double width) {
    return to_utf8(shortened(code_points(text), size, width, false));
}

std::vector<std::string> wrap_text(std::string_view text, double size, double width, std::size_t most, bool bold) {
    assert(most > 0);
    std::vector<std::u32string> lines;
    for (const std::u32string & word : words_of(code_points(text))) {
        const std::u32string longer = lines.empty() ? word : lines.back() + U' ' + word;
        if (!lines.empty() && (lines.size() == most || width_of(longer, size, bold) <= width)) {
            lines.back() = longer;
        } else {
            lines.push_back(word);
        }
    }
    std::vector<std::string> result;
    result.reserve(lines.size());
    for (const std::u32string & line : lines) {
        result.push_back(to_utf8(shortened(line, size, width, bold)));
    }
    return result;
}

}  // namespace snapkv::eval
