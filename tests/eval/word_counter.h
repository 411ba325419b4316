#pragma once

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

#include "eval/sample.h"

namespace snapkv::eval::test {

/// Stands in for a tokenizer: words between white space.
inline std::size_t count_words(std::string_view text) {
    std::size_t words = 0;
    bool within = false;
    for (const char c : text) {
        const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
        words += !space && !within ? 1 : 0;
        within = !space;
    }
    return words;
}

/// Stands in for one that splits words: a token for each begun three bytes of a word.
inline std::size_t count_pieces(std::string_view text) {
    std::size_t pieces = 0;
    std::size_t length = 0;
    for (const char c : text) {
        length = std::isspace(static_cast<unsigned char>(c)) != 0 ? 0 : length + 1;
        pieces += length % 3 == 1 ? 1U : 0U;
    }
    return pieces;
}

/// How often `part` is in `text`, overlaps included.
inline std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

inline std::string whole(const Sample & sample) {
    return sample.document + sample.question + sample.answer_prefix;
}

}  // namespace snapkv::eval::test
