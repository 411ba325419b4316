#pragma once

#include <cstring>
#include <vector>

#include "product/gemm.h"

namespace snapkv::test {

/// The numbers that `count` elements stand for.
inline std::vector<float> read_elements(const std::vector<std::byte> & bytes, std::size_t count,
                                        product::Element element) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (element == product::Element::F32) {
            std::memcpy(&values[i], bytes.data() + i * 4, 4);
        } else if (element == product::Element::BF16) {
            std::uint16_t half = 0;
            std::memcpy(&half, bytes.data() + i * 2, 2);
            const std::uint32_t bits = std::uint32_t{half} << 16U;
            std::memcpy(&values[i], &bits, 4);
        } else {
            product::Int8Block block;
            std::memcpy(&block, bytes.data() + i / product::Int8Block::kSize * sizeof block, sizeof block);
            values[i] = block.scale * static_cast<float>(block.values[i % product::Int8Block::kSize]);
        }
    }
    return values;
}

}  // namespace snapkv::test
