#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// Tokens that are kept free for an answer where a document is cut or the context stretched: N of -n N, else a quarter
/// of the context, at most 1,024. Where neither is done nothing is kept free: -n is a limit, not a promise.
[[nodiscard]] std::uint64_t answer_room(const Settings & settings, std::uint32_t context);

/// The same where a document is cut for it, with `around` tokens of question and template. An N of more than half of
/// the context counts as an answer of open length, and a quarter of what `around` leaves is the document's in any case:
/// a long answer to next to no document is of no use.
[[nodiscard]] std::uint64_t room_beside_document(const Settings & settings, std::uint32_t context,
                                                 std::uint64_t around);

/// Tokens that can be generated after `tokens` others: as many as -n allows and the context has room for; -1 where -n
/// gives no limit.
[[nodiscard]] std::int64_t most_generated(const Settings & settings, std::uint64_t tokens, std::uint32_t context);

/// Prompts that fit, and the context that they fit.
struct FittedPrompts {
    std::vector<Prompt> prompts;
    std::uint32_t context = 0;
    std::size_t dropped = 0;  ///< tokens that --truncate middle took out of the document
};

/// The context in force for a longest prompt of `longest` tokens: -c; else the trained one, which --allow-long
/// stretches as far as the prompt and the answer need.
[[nodiscard]] std::uint32_t context_for(const Settings & settings, std::uint32_t trained, std::uint64_t longest);

/// Throws Error(Input) unless the context has room for `tokens` and one more.
void check_fit(const Settings & settings, std::uint64_t tokens, std::uint32_t context);

/// One prompt a question, or one without, each short enough for the context. Throws Error(Input) where that cannot be.
[[nodiscard]] FittedPrompts fit_prompts(const Model & model, const Settings & settings, const std::string & document);

}  // namespace snapkv::cli
