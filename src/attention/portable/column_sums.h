#pragma once

#include "attention/unit.h"

namespace snapkv::attention::portable {

// What ggml's attention does not tell: plain loops in double precision, for each (span, query head) by itself. Thread
// `thread` of `threads` does its share; both end early when the unit is stopped. `q` is [row][head][key_size].

/// Fills the row sums of the spans that ask for them.
void fill_row_sums(const LayerUnit & unit, const float * q, int thread, int threads);

/// What Port::add_column_sums() promises, from these row sums.
void add_column_sums(const LayerUnit & unit, const float * q, int thread, int threads);

}  // namespace snapkv::attention::portable
