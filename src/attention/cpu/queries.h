#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/spec.h"

namespace snapkv::attention::cpu {

/// Query rows of one KV head, flattened: row i is token i / group, query head i % group of the head's group.
/// Copies `count` rows from `first` out of `q` ([token][head][key_size]), scaled, to [row][padded key size].
void pack_queries(const AttentionSpec & spec, const float * q, std::uint32_t kv_head, std::uint32_t first,
                  std::uint32_t count, float * packed);

}  // namespace snapkv::attention::cpu
