#include "kv/rotate.h"

#include <cmath>

namespace snapkv::kv {

namespace {

/// The fast Walsh-Hadamard transform of `size` elements, a power of two.
void transform(float * x, std::size_t size) {
    for (std::size_t half = 1; half < size; half *= 2) {
        for (std::size_t first = 0; first < size; first += 2 * half) {
            for (std::size_t i = first; i < first + half; ++i) {
                const float sum = x[i] + x[i + half];
                x[i + half] = x[i] - x[i + half];
                x[i] = sum;
            }
        }
    }
}

}  // namespace

void rotate(float * row, std::size_t size, std::size_t stretch) {
    const float factor = 1.0F / std::sqrt(static_cast<float>(stretch));
    for (std::size_t first = 0; first < size; first += stretch) {
        transform(row + first, stretch);
        for (std::size_t i = first; i < first + stretch; ++i) {
            row[i] *= factor;
        }
    }
}

}  // namespace snapkv::kv
