#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/sample.h"
#include "eval/variant.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// How samples become prompts.
struct AskOptions {
    bool raw = false;             ///< no chat template
    bool hide_question = false;   ///< the vote sees the document only; the question is read against what it kept
    bool answer_prefix = true;    ///< give the model the beginning of the answer where the sample has one
    std::int64_t max_tokens = 0;  ///< of an answer; 0: what the sample says
};

/// A sample as tokens.
struct Asked {
    Prompt prompt;
    std::size_t dropped = 0;  ///< tokens taken out of the document's middle so that prompt and answer fit
};

/// What a sample was answered with one variant's cache.
struct Answered {
    std::size_t sample = 0;   ///< index among those asked together
    std::size_t variant = 0;  ///< index
    std::uint64_t prompt_tokens = 0;
    std::size_t dropped = 0;
    CacheStats cache;
    Generation generation;
    double prefill_ms = 0;  ///< of all that were asked together
};

/// The prompts of samples that share a document, each short enough for the context. Throws Error(Input) where the
/// questions alone do not fit.
[[nodiscard]] std::vector<Asked> make_prompts(const Model & model, std::span<const Sample * const> samples,
                                              const AskOptions & options, std::uint32_t context);

/// Asks all samples, which share a document, with all variants: one prefill of the document, each sample and variant a
/// branch of it (with the question hidden each variant, whose kept rows all questions then share). Where memory does
/// not suffice for all branches at once, half of them and then the others, each with a prefill of its own. `answered`
/// receives the answers as they come. False where it was interrupted.
bool ask(Session & session, std::span<const Sample * const> samples, std::span<const Variant> variants,
         const AskOptions & options, const std::function<void(const CallProgress &)> & progress,
         const std::function<void(const Answered &)> & answered);

}  // namespace snapkv::eval
