#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

/// In ASCII.
[[nodiscard]] constexpr bool is_white_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// A text that is repeated as long as needed, measured in words. A word is what stands between white space; where a
/// script has none, every 24 bytes or so, cut between characters.
class Haystack {
public:
    /// `name` is for messages: the file. Throws Error(Input), which names it, where there is nothing but white space.
    Haystack(std::string text, std::string name);

    [[nodiscard]] const std::string & name() const { return name_; }
    /// One copy. Copies follow each other with at least one white space between.
    [[nodiscard]] const std::string & text() const { return text_; }

    /// The first `words`, up to the end of the last; nothing for 0.
    [[nodiscard]] std::string first(std::size_t words) const;
    /// The bytes of these.
    [[nodiscard]] std::size_t bytes(std::size_t words) const;
    /// How many whole words lie within so many bytes.
    [[nodiscard]] std::size_t words_within(std::size_t bytes) const;
    /// The end of the last full stop within the first `bytes` of the repeated text, 0 where the first comes later. In a
    /// text without any full stop every place is as good: `bytes` itself.
    [[nodiscard]] std::size_t sentence_end(std::size_t bytes) const;

    /// A haystack of text has a token in so many bytes at the very least; what has fewer never reaches a length.
    static constexpr std::size_t most_token_bytes = 256;

private:
    std::string text_;
    std::string name_;
    std::vector<std::size_t> words_;  ///< ends, in bytes, within one copy
    std::vector<std::size_t> stops_;  ///< ends of full stops, likewise
};

/// The text with each run of white space as one space, none at its ends.
[[nodiscard]] std::string single_spaced(std::string_view text);

/// Sentences of a single-spaced text without the spaces between: each ends after a full stop, question or exclamation
/// mark (and closing quotes or brackets) that a space follows.
[[nodiscard]] std::vector<std::string_view> sentences(std::string_view text);

}  // namespace snapkv::eval
