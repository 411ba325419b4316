#pragma once

#include "product/gemm.h"

namespace snapkv::product {

// Products of eight-bit integers with AVX-512 VNNI. Weights and inputs carry a scale for each 32 values along the
// depth; the integers of a block are summed exactly, blocks in float32. Where the processor lacks the instructions
// nothing is available, and the rest throws Error(Machine).

[[nodiscard]] bool int8_available();

[[nodiscard]] std::shared_ptr<const Gemm::Impl> int8_gemm(Gemm::Mode mode, std::uint32_t rows,
                                                          const PackedLayout & layout);

}  // namespace snapkv::product
