#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention/spec.h"
#include "kv/shape.h"
#include "model/architecture.h"
#include "model/hyper_parameters.h"

namespace snapkv::run {

/// The K/V rows of each of a model's layers, stored as `type`.
[[nodiscard]] inline kv::LayerShape layer_shape(const model::HyperParameters & params, KvTypes type) {
    return {params.kv_heads, params.key_size, params.value_size, type};
}

/// A layer's attention, its weights included.
[[nodiscard]] inline attention::AttentionSpec layer_spec(const model::HyperParameters & params,
                                                         const model::Architecture & architecture,
                                                         std::uint32_t layer) {
    attention::AttentionSpec spec = params.attention_spec(layer);
    spec.sinks = architecture.sinks(layer);
    return spec;
}

/// Rows of `n` that a layer has a use for once the prompt is read: all, or those in its sliding window.
[[nodiscard]] inline std::uint32_t rows_of_use(const model::HyperParameters & params, std::uint32_t layer,
                                               std::uint32_t n) {
    const std::uint32_t window = params.window_of(layer);
    return window > 0 ? std::min(window, n) : n;
}

/// More than the nodes of one layer and of the logits, attention aside.
[[nodiscard]] inline std::size_t layer_nodes(const model::HyperParameters & params) {
    return 96 + std::size_t{2} * params.experts.used;
}

}  // namespace snapkv::run
