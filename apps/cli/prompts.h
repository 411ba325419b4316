#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// The tokens that the context must have room for beside the prompt: at least one.
[[nodiscard]] std::uint64_t answer_tokens(const Settings & settings);

/// Prompts that fit, and the context that they fit.
struct FittedPrompts {
    std::vector<Prompt> prompts;
    std::uint32_t context = 0;
    std::size_t dropped = 0;  ///< tokens that --truncate middle took out of the document
};

/// The context in force for a longest prompt of `longest` tokens: -c; else the trained one, which --allow-long
/// stretches as far as the prompt and the answer need.
[[nodiscard]] std::uint32_t context_for(const Settings & settings, std::uint32_t trained, std::uint64_t longest);

/// Throws Error(Input) unless `tokens` and the answer fit the context.
void check_fit(const Settings & settings, std::uint64_t tokens, std::uint32_t context);

/// One prompt a question, or one without, each short enough for the context. Throws Error(Input) where that cannot be.
[[nodiscard]] FittedPrompts fit_prompts(const Model & model, const Settings & settings, const std::string & document);

}  // namespace snapkv::cli
