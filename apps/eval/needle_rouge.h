#pragma once

#include <string_view>

namespace snapkv::eval {

/// ROUGE-1 F1 as the needle tests report it, from 0 to 1: PyPI's `rouge-score` with its stemmer on, of the whole needle
/// against the answer. Words are runs of ASCII letters and digits in small letters, stemmed where they have more than 3
/// characters, and count as often as they stand there. What is not ASCII separates words.
[[nodiscard]] double needle_rouge_1(std::string_view prediction, std::string_view needle);

}  // namespace snapkv::eval
