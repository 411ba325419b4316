#pragma once

#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// Ids of plain text that goes on after other plain text: without the space that some tokenizers put before a text's
/// first word. Text becomes a control token only with `parse_special`.
std::vector<Token> continue_text(const Vocabulary & vocabulary, std::string_view text, bool parse_special = false);

/// A control token that a tokenizer made by merging plain text, as tokens of that text's parts.
std::vector<Token> spelled_out(const Vocabulary & vocabulary, Token token);

}  // namespace snapkv::text
