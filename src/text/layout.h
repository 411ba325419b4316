#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "text/special_text.h"
#include "text/vocabulary.h"

namespace snapkv::text {

/// A template's stretches with a message among them. The message's text was not searched for control tokens, and
/// shares its stretch with the template's plain text beside it.
struct Layout {
    std::vector<Stretch> stretches;
    std::size_t message = 0;  ///< the stretch that holds the message
    std::size_t offset = 0;   ///< of the message within that stretch
};

Layout lay_out(const Vocabulary & vocabulary, std::string_view before, std::string_view message,
               std::string_view after);

/// What comes before a layout's first stretch.
struct Context {
    bool plain = false;                           ///< text that was tokenized before
    std::optional<Token> control = std::nullopt;  ///< a control token
};

/// The tokens of one stretch.
struct StretchTokens {
    std::vector<Token> tokens;
    std::size_t swallowed = 0;  ///< bytes at the stretch's beginning that the control token before it swallowed
    std::string_view text;      ///< what was tokenized; views the layout
};

/// No further than until there turn out to be more than `most`.
StretchTokens tokenize_stretch(const Vocabulary & vocabulary, const Layout & layout, std::size_t index,
                               const Context & context, std::size_t most = Vocabulary::no_limit);

}  // namespace snapkv::text
