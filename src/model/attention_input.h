#pragma once

#include "ggml.h"

namespace snapkv::model {

/// What a layer's attention takes: rotated queries [key_size, heads, rows], rotated keys [key_size, kv_heads, rows],
/// values [value_size, kv_heads, rows]; null where not asked for.
struct AttentionInput {
    ggml_tensor * queries = nullptr;
    ggml_tensor * keys = nullptr;
    ggml_tensor * values = nullptr;
    ggml_tensor * gate = nullptr;  ///< for Decoder::finish_layer(), where the family has one; comes with the queries
};
enum class Wanted { All, Queries, KeysValues };

}  // namespace snapkv::model
