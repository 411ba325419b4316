#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// Between which characters a text may be cut so that the parts, tokenized one by one, give the tokens of the whole.
/// Each rule follows from the expressions of some of libllama's pre-tokenizers, which the comments name.
struct Cuts {
    enum class Lines {
        None,
        /// After the last line break of white space, whatever blanks follow. `\s*[\r\n]+`, or line breaks that are
        /// split off before all else.
        AfterLastBreak,
        /// After a line break that none but line breaks separate from the text before it. `[\r\n]|\s+(?!\S)`.
        AfterBreaks,
        /// Before the last character of white space, or after a line break that is all of it. `\s+(?!\S)`.
        InWhiteSpace,
        /// Before a letter that white space other than a blank precedes. ` ?[^\s.,!?...]+`: what lies between two
        /// matches is one word.
        BeforeLetters,
    };
    enum class Blanks { None, BetweenAsciiLetters, BetweenLetters };

    Lines lines = Lines::None;
    /// InWhiteSpace: what an earlier expression splits off, so that the white space before it stays whole.
    unsigned split_off = 0;
    /// InWhiteSpace: before what white space surely gives up its last character.
    unsigned after_white = 0;
    Blanks blanks = Blanks::None;      ///< before a single blank
    bool breaks_take_slashes = false;  ///< `[\r\n/]*`: a slash after a line break may belong to it
    bool before_digits = false;        ///< `\p{N}+` and nothing else
};

/// What is known of the way in which libllama splits long text for a vocabulary. It does so with std::regex for many
/// BPE vocabularies, which recurses for each character of a match.
struct Splitting {
    /// Characters of which a run takes time that grows with its square.
    struct Slow {
        unsigned classes = 0;
        unsigned ended_by = 0;  ///< a run before such a character is quick
        bool quick_at_end = false;
        std::size_t step = 1;  ///< every so many characters the run is walked to its end once more
    };

    Cuts cuts = {};
    std::vector<unsigned> matches = {};  ///< of which classes the matches are that are found by recursion
    std::optional<Slow> slow = std::nullopt;
};

Splitting splitting_of(const Vocabulary & vocabulary);

/// The beginning of `text`, valid UTF-8, that is tokenized next: all of it, or about `wanted` bytes up to a place where
/// it may be cut.
std::string_view next_piece(std::string_view text, const Cuts & cuts, std::size_t wanted);

/// How many bytes of stack libllama's recursion may take for `piece`, which views `text`. Throws Error(Input), naming
/// the place in `text`, where that or the time would be beyond all measure.
std::size_t stack_for(const Splitting & splitting, std::string_view text, std::string_view piece);

}  // namespace snapkv::text
