#include "product/gemm.h"

#include "product/gemm_int8.h"
#include "product/gemm_onednn.h"
#include "product/instruction_sets.h"
#include "product/int8_layout.h"

namespace snapkv::product {

bool gemm_available(Element element) {
    return element == Element::I8 ? instruction_set().has_value() : onednn_available(element);
}

bool gemm_floats_are_fastest() {
    return onednn_has_tiles() || (onednn_has_avx512() && instruction_set() == InstructionSet::Avx2);
}

bool gemm_rows_are_independent(Element element) {
    return element == Element::I8 || onednn_has_avx512();
}

PackedLayout::PackedLayout(Element element, std::uint32_t columns, std::uint32_t depth, ggml_type stored)
    : columns_(columns),
      depth_(depth),
      stored_(stored),
      impl_(element == Element::I8 ? int8_layout(columns, depth, stored) : onednn_layout(element, columns, depth)) {}

Gemm::Gemm(Element element, Mode mode, bool bias, std::uint32_t rows, const PackedLayout & layout)
    : impl_(element == Element::I8 ? int8_gemm(mode, rows, layout) : onednn_gemm(element, mode, bias, rows, layout)) {}

}  // namespace snapkv::product
