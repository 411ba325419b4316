#pragma once

#include <cstdint>
#include <span>

namespace snapkv::attention {

/// What a layer's attention computes. The logit of query q at position p of head h against key k at position j is
/// cap(scale * q . k) + slope(h) * (j - p); softmax over the rows that the query sees, beside them exp(sink(h)) in the
/// denominator where there are sinks; then the weighted sum of values. Every kernel and the vote take the same
/// specification. A value: what the spans refer to (a layer's weights) must outlive it.
struct AttentionSpec {
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    float scale = 1;
    float soft_cap = 0;                ///< c > 0: x becomes c * tanh(x / c)
    std::uint32_t sliding_window = 0;  ///< w > 0: a query sees its own position and the w - 1 before it
    /// [heads], or empty: a logit beside the rows' that takes its share of the softmax and has no value.
    std::span<const float> sinks{};
    /// [heads], or empty: below 1, what a logit loses for each position of distance (Press et al., 2022, arXiv
    /// 2108.12409).
    std::span<const float> alibi_slopes{};

    [[nodiscard]] std::uint32_t group() const { return heads / kv_heads; }
    /// 0 where there are none.
    [[nodiscard]] float slope(std::uint32_t head) const { return alibi_slopes.empty() ? 0.0F : alibi_slopes[head]; }
};

}  // namespace snapkv::attention
