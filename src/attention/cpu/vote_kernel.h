#pragma once

#include <cstddef>

namespace snapkv::attention::cpu {

/// columns[i] += share * 2^(logits[i] - reference) for `count` logits to base 2, a multiple of the vectors' length.
void add_weights(const float * logits, std::size_t count, float reference, float share, float * columns);

}  // namespace snapkv::attention::cpu
