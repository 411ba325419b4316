#pragma once

#include <string_view>

namespace snapkv::eval {

// ROUGE (Lin, 2004) as version 1.0.1 of the PyPI package `rouge` has it, which LongBench and so most papers on caches
// report. It departs from the publication: a word counts once however often it stands there; a sentence ends at every
// full stop ("3.5" is two); nothing is done about case or punctuation; and 1e-8 keeps the F1's divisor from zero, so
// that equal texts score a little less than 1. A text of nothing but full stops scores 0, as in LongBench; one of
// blanks holds one empty word. Not followed: the package gives up, which LongBench scores as 0, where two sentences
// have about a thousand words between them, because Python's recursion ends there.

/// F1 of the different words that a prediction and a reference share.
[[nodiscard]] double rouge_1(std::string_view prediction, std::string_view reference);

/// F1 on the longest common subsequences: each sentence of the reference is paired with each of the prediction, and the
/// different words of all their common subsequences are counted together.
[[nodiscard]] double rouge_l(std::string_view prediction, std::string_view reference);

}  // namespace snapkv::eval
