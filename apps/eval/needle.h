#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/fit.h"
#include "eval/haystack.h"
#include "eval/sample.h"

namespace snapkv::eval {

/// A sentence to find, and what asks for it.
struct Needle {
    std::string text;
    std::string question;
    std::string answer;
};

/// One of our own words, in the manner of the well-known one about San Francisco.
[[nodiscard]] Needle default_needle();

/// Needle in a haystack (Kamradt, 2023; the paper's Fig. 6).
struct NeedleTask {
    /// One document a length carries all needles, one for each depth, made from the seed with a subject of its own, so
    /// that all depths of a length are branches of one prefill. Else one document for each depth with `needle`.
    bool shared = false;
    Needle needle = default_needle();
    std::vector<double> depths;  ///< from 0 (the beginning) to 1, in words of the haystack
    std::uint64_t seed = 1;
    std::uint32_t max_tokens = 64;
    bool answer_prefix = false;  ///< begin the answer with the needle's own words before it
    std::string introduction = "Read the text below; a question about it follows.\n\n";
    std::string instruction = "\nAnswer in one short sentence, from the text alone.";  ///< follows each question
};

/// A sample for each depth: introduction, haystack with its needles, question, together at most `length` tokens and no
/// more than a few below. A needle stands after the last full stop at or before its depth, as in the original; at depth
/// 1 it ends the text. Throws Error(Usage) where depths are missing, repeated or out of range, where needle and
/// question alone are longer than `length`, and Error(Input) where the haystack holds the needle already or too few
/// tokens a byte.
[[nodiscard]] std::vector<Sample> needle_samples(const NeedleTask & task, const Haystack & haystack, std::size_t length,
                                                 const TokenCount & count);

/// The same for each length, in order. Throws Error(Usage) where lengths are missing or repeated.
[[nodiscard]] std::vector<Sample> needle_samples(const NeedleTask & task, const Haystack & haystack,
                                                 std::span<const std::size_t> lengths, const TokenCount & count);

}  // namespace snapkv::eval
