#pragma once

#include <cstddef>
#include <cstdint>

/// What an AttentionSpec adds to plain dot products, for logits in float32 to base 2.
namespace snapkv::attention::cpu {

/// x = log2(e) * cap * tanh(x / cap) for `count` logits that were scaled, but not yet to base 2. May also write up to
/// the next multiple of 16.
void cap_logits(float * logits, std::size_t count, float cap);

/// x += log2(e) * slope * (positions[i] - position); positions as floats. May also write up to the next multiple of 16.
void slope_logits(float * logits, const float * positions, std::size_t count, float slope, float position);

}  // namespace snapkv::attention::cpu
