#include "attention/cpu/queries.h"

#include <algorithm>

#include "attention/cpu/tile.h"

namespace snapkv::attention::cpu {

void pack_queries(const AttentionSpec & spec, const float * q, std::uint32_t kv_head, std::uint32_t first,
                  std::uint32_t count, float * packed) {
    const std::uint32_t group = spec.group();
    const std::size_t stride = padded(spec.key_size);
    for (std::uint32_t i = first; i < first + count; ++i) {
        const std::size_t head = std::size_t{kv_head} * group + i % group;
        const float * row = q + (std::size_t{i / group} * spec.heads + head) * spec.key_size;
        std::transform(row, row + spec.key_size, packed, [&](float x) { return x * spec.scale; });
        std::fill(packed + spec.key_size, packed + stride, 0.0F);
        packed += stride;
    }
}

}  // namespace snapkv::attention::cpu
