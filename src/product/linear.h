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

/// x / sqrt(mean(x^2) + epsilon), or (x - mean(x)) / sqrt(variance(x) + epsilon), times the weight element by element.
struct Norm {
    enum class Kind { Rms, Layer };

    ggml_tensor * weight = nullptr;  ///< [width] float32; null: no norm at all
    float epsilon = 0;
    Kind kind = Kind::Rms;
};

/// What a gated feed-forward network does with its gate: x / (1 + exp(-x)), or GELU in its form with tanh.
enum class Activation { Silu, Gelu };

}  // namespace snapkv::product
