#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// Common English adjectives and nouns, 300 each. None is there twice or within another, so that an answer that holds a
/// word was meant to.
[[nodiscard]] std::size_t word_count();
/// `number` < word_count().
[[nodiscard]] std::string_view word(std::size_t number);

/// Every adjective with every noun, such as "quiet-harbour".
[[nodiscard]] std::size_t word_pair_count();
/// `number` < word_pair_count().
[[nodiscard]] std::string word_pair(std::size_t number);

}  // namespace snapkv::eval
