#pragma once

#include <string_view>

namespace snapkv::eval {

/// How alike two texts are, from 0 to 1: Python's difflib.SequenceMatcher(None, left, right).ratio() over code points,
/// that is twice the characters in matching blocks over all characters. The longest common block is taken, then the
/// longest on each side of it, and so on; where `right` has 200 characters or more, those that make up more than a
/// hundredth of it begin no block. Hence not symmetric. 1 for two empty texts.
[[nodiscard]] double sequence_ratio(std::u32string_view left, std::u32string_view right);

/// LongBench's code_sim: the first line of the prediction that has no backtick, no '#' and no "//", beside the
/// reference, by fuzzywuzzy 0.18's ratio without python-Levenshtein (with it the figures differ): sequence_ratio in
/// whole percent, a half to the even number; 0 where just one of the two is empty.
[[nodiscard]] double code_similarity(std::string_view prediction, std::string_view reference);

}  // namespace snapkv::eval
