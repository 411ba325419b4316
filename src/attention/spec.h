#pragma once

#include <cstdint>

namespace snapkv::attention {

/// What a layer's attention computes: softmax over rows of cap(scale * q . k), then the weighted sum of values. Every
/// kernel and the vote take the same specification.
struct AttentionSpec {
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    float scale = 1;
    float soft_cap = 0;                ///< c > 0: x becomes c * tanh(x / c)
    std::uint32_t sliding_window = 0;  ///< w > 0: a query sees its own position and the w - 1 before it

    [[nodiscard]] std::uint32_t group() const { return heads / kv_heads; }
};

}  // namespace snapkv::attention
