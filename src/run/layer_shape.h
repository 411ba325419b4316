#pragma once

#include "kv/shape.h"
#include "model/hyper_parameters.h"

namespace snapkv::run {

/// The K/V rows of each of a model's layers, stored as `type`.
[[nodiscard]] inline kv::LayerShape layer_shape(const model::HyperParameters & params, KvTypes type) {
    return {params.kv_heads, params.key_size, params.value_size, type};
}

}  // namespace snapkv::run
