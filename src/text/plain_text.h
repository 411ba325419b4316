#pragma once

#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// Ids of plain text that goes on after other plain text: without the space that some tokenizers put before a text's
/// first word. Text never becomes a control token.
std::vector<Token> continue_text(const Vocabulary & vocabulary, std::string_view text);

/// Replaces the control token at `tokens[index]`, which a tokenizer made by merging plain text, by ids of that text's
/// parts. Returns how many ids stand there now.
std::size_t spell_out(const Vocabulary & vocabulary, std::vector<Token> & tokens, std::size_t index);

}  // namespace snapkv::text
