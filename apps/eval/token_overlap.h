#pragma once

#include <string_view>

namespace snapkv::eval {

/// F1 of the words that a prediction and a reference share, as often as both have them, from 0 to 1: LongBench's qa_f1,
/// which is SQuAD's. Words are in small letters, without ASCII punctuation and without the articles a, an, the. 0 where
/// either has no words left.
[[nodiscard]] double token_f1(std::string_view prediction, std::string_view reference);

/// The share of a reference's different words that a prediction has anywhere: the score of the needle tests that ask
/// for the words of an expected answer. Words are in small letters and without ASCII punctuation. 0 where the reference
/// has no words.
[[nodiscard]] double word_recall(std::string_view prediction, std::string_view reference);

}  // namespace snapkv::eval
