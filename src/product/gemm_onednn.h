#pragma once

#include "product/gemm.h"

namespace snapkv::product {

// Products by oneDNN, of float32 and bfloat16. Without oneDNN none is available, and the rest throws Error(Machine).

[[nodiscard]] bool onednn_available(Element element);
[[nodiscard]] bool onednn_has_tiles();
[[nodiscard]] bool onednn_has_avx512();

[[nodiscard]] std::shared_ptr<const PackedLayout::Impl> onednn_layout(Element element, std::uint32_t columns,
                                                                      std::uint32_t depth);
[[nodiscard]] std::shared_ptr<const Gemm::Impl> onednn_gemm(Element element, Gemm::Mode mode, bool bias,
                                                            std::uint32_t rows, const PackedLayout & layout);

}  // namespace snapkv::product
