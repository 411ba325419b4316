#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "eval/fit.h"
#include "eval/sample.h"

namespace snapkv::eval {

/// LongEval's line retrieval (Li et al., 2023; the paper's Fig. 8): lines that each give a key a number, and a question
/// for one of them, in the official prompt. All questions share one document.
struct LinesTask {
    std::size_t lines = 0;       ///< or 0: as many as `tokens` hold
    std::size_t tokens = 0;      ///< of document, question and answer prefix; or 0: as `lines` has it
    std::vector<double> depths;  ///< of the lines asked for, from 0 (the first) to 1 (the last)
    std::uint64_t seed = 1;
    std::uint32_t max_tokens = 64;
    bool answer_prefix = false;  ///< begin the answer as the line begins, for models that continue rather than chat
};

/// What an answer about the line with this key begins with where it is begun for the model.
[[nodiscard]] std::string lines_answer_prefix(std::string_view key);

/// A sample for each depth. No key and no number comes twice; numbers have five digits, so that they can be compared
/// digit by digit (the official ones have up to five). Throws Error(Usage) where not exactly one of `lines` and
/// `tokens` is given, where there are more lines than keys or tokens for no line, and for depths that are missing,
/// repeated or out of range.
[[nodiscard]] std::vector<Sample> lines_samples(const LinesTask & task, const TokenCount & count);

}  // namespace snapkv::eval
