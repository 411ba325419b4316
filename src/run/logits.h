#pragma once

#include <span>

namespace snapkv::run {

/// Throws Error(Input) unless there is a greatest logit: where one is not a number or +infinity, or all are -infinity,
/// weights are damaged, and no probabilities follow from them.
void check_logits(std::span<const float> logits);

}  // namespace snapkv::run
