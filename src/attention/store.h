#pragma once

#include "attention/unit.h"

namespace snapkv::attention {

/// Writes the chunk's keys and values ([row][kv_head][size] floats) to their cache rows, as encode_row() does. Thread
/// `thread` of `threads` writes its share of the rows.
void store_rows(const LayerUnit & unit, const float * keys, const float * values, int thread, int threads);

/// Copies the captured query rows out of `q` ([row][head][key_size]).
void capture_rows(const LayerUnit & unit, const float * q, int thread, int threads);

}  // namespace snapkv::attention
