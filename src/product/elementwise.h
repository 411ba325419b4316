#pragma once

#include <cstddef>
#include <span>

#include "product/gemm.h"

namespace snapkv::product {

// Rows of float32 on their way into a product: results are written as `element`, rounded to nearest even. Rows of I8
// consist of whole blocks.

/// to = x / sqrt(mean(x^2) + epsilon) * weight
void rms_norm_row(std::span<const float> x, const float * weight, float epsilon, Element element, void * to);

/// to = x
void narrow_row(std::span<const float> x, Element element, void * to);

/// to = gate / (1 + exp(-gate)) * up
void swiglu_row(std::span<const float> gate, const float * up, Element element, void * to);

}  // namespace snapkv::product
