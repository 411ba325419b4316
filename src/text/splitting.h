#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "text/vocabulary.h"

namespace snapkv::text {

/// Between which characters a text may be cut so that the parts, tokenised one by one, give the tokens of the whole.
enum class Cuts { None, Newlines, NewlinesAndBlanks };

/// What is known of the way in which libllama splits long text for a vocabulary. It does so with std::regex for most
/// BPE vocabularies, which recurses for each character of a match.
struct Splitting {
    /// Characters of which a run takes time that grows with its square.
    struct Slow {
        enum class Kind { Blanks, BlanksBeforeOther, Digits };
        Kind kind = Kind::Blanks;
        std::size_t step = 1;  ///< every so many characters the run is walked to its end once more
    };

    Cuts cuts = Cuts::None;
    bool recurses = false;
    bool words_hold_blanks = false;  ///< a match goes on over single blanks
    std::optional<Slow> slow = std::nullopt;
};

Splitting splitting_of(const Vocabulary & vocabulary);

/// The beginning of `text` that is tokenised next: all of it, or about `wanted` bytes up to a place where it may be
/// cut.
std::string_view next_piece(std::string_view text, Cuts cuts, std::size_t wanted);

/// How many bytes of stack libllama's recursion may take for `piece`, which views `text`. Throws Error(Input), naming
/// the place in `text`, where that or the time would be beyond all measure.
std::size_t stack_for(const Splitting & splitting, std::string_view text, std::string_view piece);

}  // namespace snapkv::text
