#include "attention/key_difference.h"

#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

#include "kv/row_codec.h"

namespace snapkv::attention {
namespace {

double length(std::span<const double> row) {
    double sum = 0;
    for (const double x : row) {
        sum += x * x;
    }
    return std::sqrt(sum);
}

/// Calls body(position, key at length 1) for each row.
template <typename Body>
void for_directions(const kv::LayerShape & shape, std::span<const kv::HeadRows> views, Halt & halt, const Body & body) {
    std::vector<float> key(shape.key_size);
    std::vector<double> direction(shape.key_size);
    for (const kv::HeadRows & view : views) {
        for (std::uint32_t row = 0; row < view.rows && !halt.stopped(); ++row) {
            kv::decode_row(view.keys + row * shape.key_bytes(), shape.key_size, shape.type.key, 1, key.data());
            direction.assign(key.begin(), key.end());
            const double norm = length(direction);
            for (double & x : direction) {
                x = norm > 0 ? x / norm : 0;
            }
            body(view.position(row), std::span<const double>(direction));
        }
    }
}

}  // namespace

void key_differences(const kv::LayerShape & shape, std::span<const kv::HeadRows> views, std::uint32_t first,
                     std::span<float> votes, Halt & halt) {
    assert(!is_quantised(shape.type.key));
    // The anchor's length does not matter, so the sum serves as well as the mean.
    std::vector<double> anchor(shape.key_size);
    for_directions(shape, views, halt, [&](Position, std::span<const double> direction) {
        for (std::size_t i = 0; i < anchor.size(); ++i) {
            anchor[i] += direction[i];
        }
    });
    const double norm = length(anchor);
    for_directions(shape, views, halt, [&](Position position, std::span<const double> direction) {
        const std::size_t at = index_of(position);
        if (at < first || at - first >= votes.size()) {
            return;
        }
        double product = 0;
        for (std::size_t i = 0; i < anchor.size(); ++i) {
            product += direction[i] * anchor[i];
        }
        votes[at - first] = static_cast<float>(norm > 0 ? 1 - product / norm : 1);
    });
}

}  // namespace snapkv::attention
