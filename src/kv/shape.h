#pragma once

#include <cstddef>
#include <cstdint>

#include "ggml.h"
#include "snapkv/cache_config.h"

namespace snapkv::kv {

/// The K/V rows of one layer: how many heads, how long a row is, how an element is stored.
struct LayerShape {
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;    ///< elements
    std::uint32_t value_size = 0;  ///< elements
    KvType type = KvType::F16;

    [[nodiscard]] std::size_t element_bytes() const { return type == KvType::F32 ? 4 : 2; }
    [[nodiscard]] std::size_t key_bytes() const { return key_size * element_bytes(); }
    [[nodiscard]] std::size_t value_bytes() const { return value_size * element_bytes(); }
    /// One row of one head, key and value.
    [[nodiscard]] std::size_t row_bytes() const { return key_bytes() + value_bytes(); }
    bool operator==(const LayerShape &) const = default;
};

[[nodiscard]] constexpr ggml_type ggml_type_of(KvType type) {
    switch (type) {
        case KvType::F32:
            return GGML_TYPE_F32;
        case KvType::BF16:
            return GGML_TYPE_BF16;
        case KvType::F16:
            break;
    }
    return GGML_TYPE_F16;
}

}  // namespace snapkv::kv
