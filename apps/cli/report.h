#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "snapkv/snapkv.h"

namespace snapkv::cli {

/// A token and what the model thought of it.
struct TokenText {
    Token token = 0;
    std::string text;  ///< valid UTF-8: parts of characters are replaced
    float logprob = 0;
};

/// A token of an answer and the likeliest in its place.
struct AnswerToken {
    TokenText taken;
    std::vector<TokenText> top;
};

/// One answer and what it took.
struct Answer {
    std::string question;
    std::uint64_t prompt_tokens = 0;
    CacheStats cache;
    double compress_ms = 0;
    Generation generation;
    std::optional<std::vector<AnswerToken>> logprobs;  ///< of all tokens, where --logprobs asks for them
    std::string limit;  ///< what ended the answer where its length did: "-n 64"; else empty
};

/// A run, as its statistics and its JSON tell of it.
struct Report {
    bool several = false;             ///< several questions: an array of answers in JSON
    std::uint64_t shared_tokens = 0;  ///< tokens that all prompts begin with
    std::uint64_t computed_tokens = 0;
    std::optional<std::uint64_t> snapshot_tokens;  ///< tokens whose rows a snapshot had; nothing without --snapshots
    double load_ms = 0;
    double prompt_ms = 0;
    std::uint64_t cache_bytes_peak = 0;
    std::uint64_t peak_rss_bytes = 0;
    std::vector<Answer> answers;

    [[nodiscard]] bool interrupted() const;
};

/// The most memory that this process has held resident.
[[nodiscard]] std::uint64_t peak_resident_bytes();

/// The table at the end of a run.
[[nodiscard]] std::string statistics_text(const Report & report);

}  // namespace snapkv::cli
