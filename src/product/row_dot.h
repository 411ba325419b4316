#pragma once

#include <cstddef>
#include <cstdint>

#include "ggml.h"

namespace snapkv::product {

/// Rows of weights as they are stored, row i at weights + i * row_bytes.
struct WeightRows {
    ggml_type type{};
    const std::byte * weights = nullptr;
    std::size_t row_bytes = 0;
    std::uint32_t rows = 0;
    std::int64_t depth = 0;
};

/// Inputs in their prepared form, input j at prepared + j * stride bytes.
struct PreparedInputs {
    const std::byte * prepared = nullptr;
    std::size_t stride = 0;
    std::uint32_t count = 0;
};

/// How rows of weights of one type are multiplied with the few inputs of a step of decode. An input is first brought
/// into a form of its own (`prepare`), which every row of weights then reads. Weights are read once for all inputs, and
/// what comes of an input does not depend on the others.
struct RowDot {
    /// Bytes of a prepared input of `depth` floats.
    std::size_t (*prepared_bytes)(std::int64_t depth);
    void (*prepare)(ggml_type type, const float * input, std::int64_t depth, std::byte * prepared);
    /// out[j * out_stride + i] = row i . input j.
    void (*dot)(const WeightRows & rows, const PreparedInputs & inputs, float * out, std::size_t out_stride);
};

/// The fastest for this type on this processor; null where rows of the type cannot be multiplied so. `portable` asks
/// for ggml's dot products whatever the processor has: what the others are tested against.
[[nodiscard]] const RowDot * row_dot(ggml_type type, bool portable = false);

}  // namespace snapkv::product
