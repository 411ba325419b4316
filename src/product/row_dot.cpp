#include "product/row_dot.h"

#include <cstring>

#include "ggml-cpu.h"
#include "product/block_rows.h"

namespace snapkv::product {

namespace {

// ggml's dot products. The input's type depends on the weights'; the widest (float32) gives room enough for all.
std::size_t ggml_prepared_bytes(std::int64_t depth) {
    return static_cast<std::size_t>(depth) * sizeof(float) + GGML_MEM_ALIGN;
}

void ggml_prepare(ggml_type type, const float * input, std::int64_t depth, std::byte * prepared) {
    const ggml_type as = ggml_get_type_traits_cpu(type)->vec_dot_type;
    if (as == GGML_TYPE_F32) {
        ggml_cpu_fp32_to_fp32(input, reinterpret_cast<float *>(prepared), depth);
    } else {
        ggml_get_type_traits_cpu(as)->from_float(input, prepared, depth);
    }
}

void ggml_dot(const WeightRows & rows, const PreparedInputs & inputs, float * out, std::size_t out_stride) {
    const ggml_vec_dot_t dot = ggml_get_type_traits_cpu(rows.type)->vec_dot;
    for (std::uint32_t row = 0; row < rows.rows; ++row) {
        for (std::uint32_t input = 0; input < inputs.count; ++input) {
            dot(static_cast<int>(rows.depth), out + input * out_stride + row, 0, rows.weights + row * rows.row_bytes, 0,
                inputs.prepared + input * inputs.stride, 0, 1);
        }
    }
}

/// ggml's dot products look half-precision scales up in tables, which are zeros until its backend is set up.
const RowDot * ggml_rows() {
    static const RowDot ggml = [] {
        ggml_cpu_init();
        return RowDot{ggml_prepared_bytes, ggml_prepare, ggml_dot};
    }();
    return &ggml;
}

}  // namespace

const RowDot * row_dot(ggml_type type, bool portable) {
    const RowDot * own = portable ? nullptr : block_rows(type);
    if (own != nullptr) {
        return own;
    }
    return ggml_get_type_traits_cpu(type)->vec_dot != nullptr ? ggml_rows() : nullptr;
}

}  // namespace snapkv::product
