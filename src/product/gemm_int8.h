#pragma once

#include "product/gemm.h"

namespace snapkv::product {

// Products of eight-bit integers with AVX2 or more (product/instruction_sets.h). Weights and inputs carry a scale for
// each 32 values along the depth; the integers of a block are summed exactly, blocks in float32.

/// With the instructions that `layout` was made for; it is one of Element::I8.
[[nodiscard]] std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode mode, std::uint32_t rows,
                                                          const PackedLayout & layout);

}  // namespace snapkv::product
