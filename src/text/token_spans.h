#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// The bytes of a text that a token stands for: [begin, end). Empty for a token that the tokenizer put in itself.
struct TokenSpan {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Where in `text` each of its tokens lies. Follows the pieces along the text and bears with what tokenizers change:
/// a space put before a word, U+2581 for a space, white space swallowed beside a token.
std::vector<TokenSpan> token_spans(const Vocabulary & vocabulary, std::string_view text, std::span<const Token> tokens);

}  // namespace snapkv::text
