#pragma once

#include <cstdint>
#include <span>

#include "snapkv/scores.h"

namespace snapkv::run {

/// Throws Error(Input) unless there is a greatest logit: where one is not a number or +infinity, or all are -infinity,
/// weights are damaged, and no probabilities follow from them.
void check_logits(std::span<const float> logits);

/// What logits that have been checked say of a token, and of the `top` likeliest ones (ties: the lower id first).
[[nodiscard]] ScoredToken score(std::span<const float> logits, Token token, std::uint32_t top);

}  // namespace snapkv::run
