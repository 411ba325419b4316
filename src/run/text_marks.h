#pragma once

#include <span>
#include <vector>

#include "select/cluster.h"
#include "text/vocabulary.h"

namespace snapkv::run {

/// What a prompt's text is at each of its tokens, for clusters that keep words or stop at line ends. A word is a run
/// without white space; a control token and each token of Chinese characters or kana, whose words nothing separates, is
/// one by itself. A sentence ends with `.`, `!` or `?` before white space, or with their wide forms.
[[nodiscard]] std::vector<select::Mark> text_marks(const text::Vocabulary & vocabulary,
                                                   std::span<const text::Token> tokens);

}  // namespace snapkv::run
