#pragma once

#include <memory>
#include <optional>
#include <span>

#include "snapkv/generation.h"
#include "text/grammar.h"
#include "text/vocabulary.h"

namespace snapkv::run {

/// libllama's samplers over our own logits: biases, penalties, top-k, top-p, min-p, temperature, then a draw; greedy at
/// temperature 0 and where the temperature is so low that dividing by it overflows (ties to the lower id; biases and
/// penalties still count). A grammar is asked about the token that was drawn; only if it does not allow that one, about
/// all, before another is drawn. Not thread-safe.
class Sampler {
public:
    /// `history`: the tokens so far, of which the penalties see the last ones. Throws Error(Usage) for settings
    /// out of range, naming the field, Error(Input) for a grammar that cannot be used.
    Sampler(const text::Vocabulary & vocabulary, const SamplingOptions & options, std::span<const Token> history);
    ~Sampler();
    Sampler(Sampler &&) noexcept;
    Sampler & operator=(Sampler &&) noexcept;

    /// Draws the next token from `logits` (one per vocabulary entry) and takes it into the history; none where the
    /// grammar and the biases allow none. Throws Error(Input) for logits that no probabilities follow from (see
    /// check_logits()).
    std::optional<Token> sample(std::span<const float> logits);

private:
    std::optional<Token> draw(std::span<const float> logits, bool restricted);
    [[nodiscard]] bool allows(Token token) const;

    text::SamplerPointer biases_;  ///< null: none
    text::SamplerPointer penalties_;
    text::SamplerPointer grammar_;  ///< null: none
    text::SamplerPointer chain_;    ///< what follows them where the draw is not greedy
    float temperature_;
    struct Candidates;
    std::unique_ptr<Candidates> candidates_;
};

}  // namespace snapkv::run
