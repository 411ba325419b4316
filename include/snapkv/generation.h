#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/model.h"
#include "snapkv/scores.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// Added to a token's logit before anything else: at most a million in size, or minus infinity, which forbids it. One
/// for a token.
struct LogitBias {
    Token token = 0;
    float bias = 0;
};

/// Frequency and presence penalties lie between minus this and this.
inline constexpr float kMostPenalty = 1000;

/// As libllama's samplers have them, in this order: biases, penalties, grammar, top-k, top-p, min-p, temperature.
struct SamplingOptions {
    float temperature = 0;  ///< 0: greedy
    std::int32_t top_k = 40;
    float top_p = 0.95F;
    float min_p = 0.05F;
    float repeat_penalty = 1.0F;
    float frequency_penalty = 0;      ///< for each time that a token was seen
    float presence_penalty = 0;       ///< once for a token that was seen
    std::int32_t repeat_last = 64;    ///< tokens that the penalties look back at, prompt included
    std::uint32_t seed = 0xFFFFFFFF;  ///< 0xFFFFFFFF: a random one
    std::vector<LogitBias> logit_bias = {};
    /// A grammar in GBNF (llama.cpp's) whose rule `root` the answer follows; empty: none. Model::schema_grammar() makes
    /// one of a JSON schema. An answer that ends by its length may be the beginning of one that the grammar allows.
    std::string grammar = {};
};

struct GenerateOptions {
    std::int64_t max_tokens = -1;  ///< -1: until the model ends its answer or the context is full
    SamplingOptions sampling;
    std::vector<std::string> stop;
    /// With each token its log-probability, and those of so many of the likeliest tokens at its place.
    std::optional<std::uint32_t> logprobs = {};
};

enum class StopReason {
    EndOfGeneration,
    Length,
    StopString,
    Interrupt,
    NothingAllowed,  ///< the grammar and the biases leave no token to take, not even one that ends the answer
};

/// A token as it is taken.
struct TokenEvent {
    Token token = 0;
    std::string_view piece;                ///< its bytes, maybe a part of a character; empty for the end token
    const ScoredToken * scores = nullptr;  ///< where GenerateOptions::logprobs asks for them
    std::optional<StopReason> reason;      ///< the answer ends with this token
};

/// One sequence to be continued.
struct GenerateRequest {
    Sequence * sequence = nullptr;
    GenerateOptions options;
    /// Receives whole UTF-8 characters as they come; returning false ends the generation as an interrupt. May be null.
    std::function<bool(std::string_view)> on_text = {};
    /// Receives every token once it is taken, after the text that it completes; valid during the call. Returning false
    /// ends the generation as an interrupt. May be null.
    std::function<bool(const TokenEvent &)> on_token = {};
};

struct Generation {
    std::string text;           ///< valid UTF-8, cut before a stop string
    std::vector<Token> tokens;  ///< without the end token; the token that completes a stop string stays
    StopReason reason = StopReason::Length;
    std::uint64_t decode_steps = 0;
    double predicted_ms = 0;
    std::vector<ScoredToken> scores = {};  ///< of all tokens, where GenerateOptions::logprobs asks for them
};

}  // namespace snapkv
