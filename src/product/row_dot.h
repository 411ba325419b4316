#pragma once

#include <cstddef>
#include <cstdint>

#include "ggml.h"

namespace snapkv::product {

/// How rows of weights of one type are multiplied with one row of floats at a time, as single steps of decode do. The
/// input is first brought into a form of its own (`prepare`), which every row of weights then reads. Weights are read
/// once and as they are stored.
struct RowDot {
    /// Bytes of a prepared input of `depth` floats.
    std::size_t (*prepared_bytes)(std::int64_t depth);
    void (*prepare)(ggml_type type, const float * input, std::int64_t depth, std::byte * prepared);
    /// out[i] = row i . input for `rows` rows, row i at weights + i * row_bytes.
    void (*dot)(ggml_type type, const std::byte * weights, std::size_t row_bytes, std::uint32_t rows,
                std::int64_t depth, const std::byte * prepared, float * out);
};

/// The fastest for this type on this processor; null where rows of the type cannot be multiplied so. `portable` asks
/// for ggml's dot products whatever the processor has: what the others are tested against.
[[nodiscard]] const RowDot * row_dot(ggml_type type, bool portable = false);

}  // namespace snapkv::product
