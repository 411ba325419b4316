#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace snapkv::eval {

/// One question about a document, and what a right answer holds.
struct Sample {
    std::string id;             ///< unique within its data set
    std::string document;       ///< text that several questions may share
    std::string question;       ///< follows the document byte after byte
    std::string answer_prefix;  ///< begins the answer: stands after the prompt, and after the chat template's own text
    std::vector<std::string> answers;  ///< several references or several parts, as the metric has it
    std::vector<std::string> classes;  ///< all labels of a classification
    std::uint32_t max_tokens = 0;      ///< of the answer
    /// Where the sample stands in its grid, in order, for instance {"lines", 200}, {"depth", 0.5}.
    std::vector<std::pair<std::string, double>> place;
};

}  // namespace snapkv::eval
