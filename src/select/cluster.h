#pragma once

#include <cstdint>
#include <span>

#include "snapkv/cluster.h"

namespace snapkv::select {

/// What the text is at a position of the prompt.
struct Mark {
    bool begins_word = false;  ///< a run of tokens without white space begins here
    bool ends_line = false;    ///< a line or a sentence ends with this token
};

/// Tokens of a run that Cluster::words takes for one word at most; a longer run is several. A UUID or the digits of a
/// SHA-256 fit, where each character is a token.
inline constexpr std::uint32_t kLongestWord = 64;

/// Scores of a prefix's rows from their votes by a cluster's rule, its words included. `marks`: one for each row, or
/// none for a rule that does not read the text. `scores` has the size of `votes` and may not alias it.
void cluster(const Cluster & how, std::span<const float> votes, std::span<const Mark> marks, std::span<float> scores);

// The rules one by one.

/// Cluster::Rule::Kernel. Max pads with minus infinity (positions outside never win) and ignores NaN, giving minus
/// infinity where there is nothing else; Avg divides by the kernel's width at the edges too, as the original does.
void pool(const Cluster & how, std::span<const float> votes, std::span<float> scores);

/// Cluster::Rule::Reach. Votes are not negative; NaN counts as none.
void reach(const Cluster & how, std::span<const float> votes, std::span<const Mark> marks, std::span<float> scores);

/// Cluster::Rule::Chunk. Votes are summed in order of rows, in float32; a NaN makes its chunk's scores NaN, which count
/// as lowest.
void score_chunks(const Cluster & how, std::span<const float> votes, std::span<float> scores);

/// Raises each row's score to the largest in its word.
void keep_words(std::span<const Mark> marks, std::span<float> scores);

}  // namespace snapkv::select
