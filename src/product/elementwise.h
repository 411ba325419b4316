#pragma once

#include <cstddef>
#include <span>

#include "product/gemm.h"
#include "product/linear.h"

namespace snapkv::product {

// Rows of float32 on their way into a product: results are written as `element`, rounded to nearest even. Rows of I8
// consist of whole blocks.

/// to = the row normed, times the weight.
void norm_row(Norm::Kind kind, std::span<const float> x, const float * weight, float epsilon, Element element,
              void * to);

/// to = x
void narrow_row(std::span<const float> x, Element element, void * to);

/// to = activation(gate) * up
void gate_row(Activation activation, std::span<const float> gate, const float * up, Element element, void * to);

}  // namespace snapkv::product
