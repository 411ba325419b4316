#pragma once

#include <memory>
#include <span>

#include "snapkv/session.h"
#include "text/vocabulary.h"

struct llama_sampler;

namespace snapkv::run {

/// libllama's samplers over our own logits: penalties, top-k, top-p, min-p, temperature, then a draw; greedy at
/// temperature 0 and where the temperature is so low that dividing by it overflows (ties to the lower id; the repeat
/// penalty still counts). Not thread-safe.
class Sampler {
public:
    /// `history`: the tokens so far, of which the repeat penalty sees the last ones. Throws Error(Usage) for settings
    /// out of range, naming the flag.
    Sampler(const text::Vocabulary & vocabulary, const SamplingOptions & options, std::span<const Token> history);
    ~Sampler();
    Sampler(Sampler &&) noexcept;
    Sampler & operator=(Sampler &&) noexcept;

    /// Draws the next token from `logits` (one per vocabulary entry) and takes it into the history. Throws Error(Input)
    /// for logits that no probabilities follow from (see check_logits()).
    Token sample(std::span<const float> logits);

private:
    struct Free {
        void operator()(llama_sampler * sampler) const;
    };
    std::unique_ptr<llama_sampler, Free> penalties_;
    std::unique_ptr<llama_sampler, Free> chain_;  ///< what follows them where the draw is not greedy
    float temperature_;
    struct Candidates;
    std::unique_ptr<Candidates> candidates_;
};

}  // namespace snapkv::run
