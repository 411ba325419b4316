#pragma once

#include <span>

namespace snapkv::run {

/// Throws Error(Input) where a logit is not a number: weights that are damaged, which no sampler can sort.
void check_logits(std::span<const float> logits);

}  // namespace snapkv::run
