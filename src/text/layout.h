#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_text.h"
#include "text/vocabulary.h"

namespace snapkv::text {

/// A template's stretches with messages among them. The messages' texts were not searched for control tokens, and share
/// their stretches with the template's plain text beside them.
struct Layout {
    struct Place {
        std::size_t stretch = 0;
        std::size_t offset = 0;  ///< of the message within that stretch
    };
    std::vector<Stretch> stretches;
    std::vector<Place> messages;
};

/// `around`: the template's texts before, between and behind the messages, one more than there are messages.
Layout lay_out(const Vocabulary & vocabulary, std::span<const std::string> around,
               std::span<const std::string_view> messages);

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
