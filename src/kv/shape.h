#pragma once

#include <cstddef>
#include <cstdint>

#include "ggml.h"
#include "snapkv/cache_config.h"

namespace snapkv::kv {

/// The K/V rows of one layer: how many heads, how long a row is, how it is stored. Quantised rows are of sizes that
/// kQuantisedBlock divides. A layer without attention has no heads.
struct LayerShape {
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;    ///< elements
    std::uint32_t value_size = 0;  ///< elements
    KvTypes type{};
    /// Values are not stored: that of a row is the first value_size elements of its key (latent attention). Both have
    /// one type then.
    bool values_in_keys = false;
    bool rotated = true;  ///< quantised rows are (kv/rotate.h)

    [[nodiscard]] std::size_t key_bytes() const { return kv_row_bytes(type.key, key_size); }
    /// Of what is stored beside the key.
    [[nodiscard]] std::size_t value_bytes() const { return values_in_keys ? 0 : kv_row_bytes(type.value, value_size); }
    /// From the value of a row to that of the next.
    [[nodiscard]] std::size_t value_stride() const { return values_in_keys ? key_bytes() : value_bytes(); }
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
        case KvType::Q8_0:
            return GGML_TYPE_Q8_0;
        case KvType::Q4_0:
            return GGML_TYPE_Q4_0;
        case KvType::F16:
            break;
    }
    return GGML_TYPE_F16;
}

}  // namespace snapkv::kv
