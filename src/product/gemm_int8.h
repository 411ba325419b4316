#pragma once

#include "product/gemm.h"

namespace snapkv::product {

// Products of eight-bit integers with AVX-512 VNNI. Weights and inputs carry a scale for each 32 values along the
// depth; the integers of a block are summed exactly, blocks in float32.

[[nodiscard]] bool int8_available();

/// `layout` is one of Element::I8, which there is only where the processor has the instructions.
[[nodiscard]] std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode mode, std::uint32_t rows,
                                                          const PackedLayout & layout);

}  // namespace snapkv::product
