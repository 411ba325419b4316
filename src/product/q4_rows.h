#pragma once

#include "product/row_dot.h"

namespace snapkv::product {

/// Q4_0 and Q4_1 rows with AVX-512 VNNI and VBMI: four blocks of 32 a step, their scales and nibbles picked out of two
/// loads by permutation. The input is rounded to eight bits for each block of 32, as ggml's own products do. Null where
/// the processor lacks the instructions.
[[nodiscard]] const RowDot * q4_rows(ggml_type type);

}  // namespace snapkv::product
