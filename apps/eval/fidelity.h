#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/next_token.h"
#include "eval/variant.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// How one variant's cache follows the full one on one prompt.
struct Followed {
    CacheStats cache;
    NextToken next;      ///< after each token that the full f16 cache generated, the first left out
    std::string answer;  ///< what the variant generates itself
};

/// What following takes.
struct FollowOptions {
    std::uint32_t tokens = 64;   ///< that the full cache generates
    bool answers = true;         ///< let each variant generate its own answer too
    bool hide_question = false;  ///< the vote sees what stands before the question, which is read against what it kept
};

/// A prompt's answer by the full f16 cache, and how each variant follows it.
struct Fidelity {
    std::string answer;
    std::uint64_t tokens = 0;  ///< generated, the end token not counted
    std::vector<Followed> variants;
};

/// Prefills once: the full f16 cache generates greedily, and each variant is scored along its tokens. The prefill
/// itself is exact whatever is kept of it, so all predict the first token alike (save where the question was hidden);
/// it is not scored. Nothing where interrupted.
[[nodiscard]] std::optional<Fidelity> follow(Session & session, const Prompt & prompt,
                                             std::span<const Variant> variants, const FollowOptions & options,
                                             const std::function<void(const CallProgress &)> & progress);

}  // namespace snapkv::eval
