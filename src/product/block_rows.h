#pragma once

#include "product/row_dot.h"

namespace snapkv::product {

/// Rows of quantised weights as they are stored, with AVX2, AVX-VNNI, or AVX-512 VNNI and VBMI: Q4_0, Q4_1, Q5_0, Q5_1,
/// Q8_0, IQ4_NL, Q4_K, Q5_K and Q6_K. Inputs are rounded to eight bits in blocks of 32. Null for other types, and where
/// the processor lacks the instructions.
[[nodiscard]] const RowDot * block_rows(ggml_type type);

namespace avx512 {
[[nodiscard]] const RowDot * block_rows(ggml_type type);
}
namespace avx_vnni {
[[nodiscard]] const RowDot * block_rows(ggml_type type);
}
namespace avx2 {
[[nodiscard]] const RowDot * block_rows(ggml_type type);
}

}  // namespace snapkv::product
