#include "attention/value_magnitude.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention {

float largest_value(const kv::LayerShape & shape, std::span<const kv::HeadRows> views, std::uint32_t first,
                    std::uint32_t count, Halt & halt) {
    std::vector<float> value(shape.value_size);
    float largest = 0;
    for (const kv::HeadRows & view : views) {
        for (std::uint32_t row = 0; row < view.rows && !halt.stopped(); ++row) {
            const std::uint32_t position = index_of(view.position(row));
            if (position < first || position - first >= count) {
                continue;
            }
            kv::decode_row(view.values + row * shape.value_stride(), shape.value_size, shape.type.value,
                           kv::value_rotation(shape), value.data());
            float sum = 0;
            for (const float element : value) {
                sum += std::abs(element);
            }
            largest = std::max(largest, sum);
        }
    }
    return largest;
}

}  // namespace snapkv::attention
