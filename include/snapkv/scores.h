#pragma once

#include <cstdint>
#include <vector>

#include "snapkv/model.h"

namespace snapkv {

struct TokenProbability {
    Token token = 0;
    float logprob = 0;  ///< natural logarithm
};

/// What the model thought of a token before it read it: by its logits alone, before penalties and temperature.
struct ScoredToken {
    float logprob = 0;
    /// The likeliest first, without impossible ones; the token itself only if it is among them.
    std::vector<TokenProbability> top;
};

/// Asks for the scores of tokens that are given to the model.
struct Scoring {
    std::uint32_t tokens = 0;  ///< how many of the last; the first token of a text has none, and the first that is
                               ///< appended to a sequence without logits (Session::make_sequence) no real one
    std::uint32_t top = 0;     ///< how many of the likeliest tokens at each place come with them
};

}  // namespace snapkv
