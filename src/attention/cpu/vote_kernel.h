#pragma once

#include <cstddef>

namespace snapkv::attention::cpu {

// What each takes: `count` logits to base 2, a multiple of the vectors' length, which stand for the weights
// share * 2^(logit - reference).

/// columns[i] += weight.
void add_weights(const float * logits, std::size_t count, float reference, float share, float * columns);
/// columns[i] += weight^2.
void add_squares(const float * logits, std::size_t count, float reference, float share, float * columns);
/// The largest weights of each column so far, the largest first: columns[rank x stride + i], `ranks` of them (1 or 4).
void raise_largest(const float * logits, std::size_t count, float reference, float share, std::size_t ranks,
                   std::size_t stride, float * columns);
/// columns[i] += 1 where the weight is `least` or more; columns[stride + i] += weight.
void count_weights(const float * logits, std::size_t count, float reference, float share, float least,
                   std::size_t stride, float * columns);

}  // namespace snapkv::attention::cpu
