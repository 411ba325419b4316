#pragma once

#include <cstdint>

#include "ggml.h"

namespace snapkv::product {

/// A matrix of weights [in, out] as ggml lays it out (one row an output), and what is added to its product.
struct Linear {
    ggml_tensor * weight = nullptr;
    ggml_tensor * bias = nullptr;  ///< [out] float32; null: none

    [[nodiscard]] std::int64_t in() const { return weight->ne[0]; }
    [[nodiscard]] std::int64_t out() const { return weight->ne[1]; }
};

/// RMS norm: x / sqrt(mean(x^2) + epsilon), times the weight element by element.
struct Norm {
    ggml_tensor * weight = nullptr;  ///< [width] float32
    float epsilon = 0;
};

}  // namespace snapkv::product
