#include "run/text_marks.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "text/characters.h"

namespace snapkv::run {
namespace {

bool is_white(char byte) {
    return text::ascii_white_space.find(byte) != std::string_view::npos;
}

/// U+3000 to U+9FFF by their first byte: Chinese characters, kana and their punctuation.
bool begins_unspaced(std::string_view piece) {
    return !piece.empty() && static_cast<unsigned char>(piece.front()) >= 0xE3 &&
           static_cast<unsigned char>(piece.front()) <= 0xE9;
}

bool ends_sentence(std::string_view piece, bool before_white) {
    constexpr std::array<std::string_view, 3> kWide{"\xE3\x80\x82", "\xEF\xBC\x81",
                                                    "\xEF\xBC\x9F"};  // U+3002, FF01, FF1F
    const std::size_t last = piece.find_last_not_of(text::ascii_white_space);
    if (last == std::string_view::npos) {
        return false;
    }
    const std::string_view visible = piece.substr(0, last + 1);
    const bool ascii = std::string_view(".!?").find(visible.back()) != std::string_view::npos;
    return (ascii && (before_white || visible.size() < piece.size())) ||
           std::any_of(kWide.begin(), kWide.end(), [&](std::string_view end) { return visible.ends_with(end); });
}

}  // namespace

std::vector<select::Mark> text_marks(const text::Vocabulary & vocabulary, std::span<const text::Token> tokens) {
    std::vector<select::Mark> marks(tokens.size());
    bool begins = true;  // whatever comes next
    bool blanks = false;
    std::string piece;
    std::string next = tokens.empty() ? "" : vocabulary.piece(tokens.front());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        piece = std::move(next);
        next = i + 1 < tokens.size() ? vocabulary.piece(tokens[i + 1]) : "";
        const bool alone = piece.empty() || begins_unspaced(piece);  // control tokens have no text
        marks[i].begins_word = begins || alone || (is_white(piece.front()) && !blanks);
        // Blanks alone belong to the word behind them, as where a tokenizer joins the two.
        blanks = !alone && piece.find_first_not_of(" \t") == std::string::npos;
        begins = alone || (is_white(piece.back()) && !blanks);
        const bool before_white = next.empty() || is_white(next.front());
        marks[i].ends_line = piece.find('\n') != std::string::npos || ends_sentence(piece, before_white);
    }
    return marks;
}

}  // namespace snapkv::run
