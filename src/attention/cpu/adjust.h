#pragma once

#include <cstddef>
#include <cstdint>
#include <numbers>

#include "attention/spec.h"

/// What an AttentionSpec adds to plain dot products, for kernels that keep their logits in float32 to base 2.
namespace snapkv::attention::cpu {

/// What queries are multiplied with before the dot products. With a soft cap logits become base 2 in adjust_logits().
[[nodiscard]] inline float query_factor(const AttentionSpec & spec) {
    return spec.soft_cap > 0 ? spec.scale : spec.scale * std::numbers::log2e_v<float>;
}

/// Soft cap and slope on `count` logits (a multiple of the vectors' length) of one query of `head` at `position`
/// against rows at `positions` (floats; read only where there are slopes).
void adjust_logits(const AttentionSpec & spec, std::uint32_t head, std::uint32_t position, const float * positions,
                   float * logits, std::size_t count);

/// What the head's sink adds to the sum of 2^(logit - reference); nothing to a row that has seen nothing.
[[nodiscard]] float sink_share(const AttentionSpec & spec, std::uint32_t head, float reference);

}  // namespace snapkv::attention::cpu
