#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// A stretch of text: a control token, or plain text that holds none.
struct Stretch {
    std::optional<Token> control = std::nullopt;
    std::string plain = {};  ///< never empty where there is no control token
};

/// Cuts a template's text at its control tokens as libllama does when it parses special text: longer tokens before
/// shorter ones, and none within a longer one.
std::vector<Stretch> split_at_controls(const Vocabulary & vocabulary, std::string_view text);

/// The token that closes the answer before a text: an end of generation that the text begins with, aside from white
/// space and from one special token that answers of the family have before it (Command-R7B).
struct LeadingEnd {
    Token token = 0;
    std::size_t bytes = 0;  ///< of the text, with what stands before the token
};
std::optional<LeadingEnd> leading_end(const Vocabulary & vocabulary, std::string_view text);

}  // namespace snapkv::text
