#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attention/spec.h"
#include "kv/shape.h"
#include "model/decoder.h"
#include "model/hyper_parameters.h"

namespace snapkv::run {

/// What types come to where values are part of keys.
[[nodiscard]] inline KvTypes stored_types(const model::HyperParameters & params, KvTypes type) {
    return params.latent.absorbed ? KvTypes(type.key) : type;
}

/// The K/V rows of a layer that attends, stored as `type`, quantised ones rotated or not.
[[nodiscard]] inline kv::LayerShape attending_shape(const model::HyperParameters & params, KvTypes type,
                                                    bool rotated = true) {
    return {params.kv_heads,        params.key_size, params.value_size, stored_types(params, type),
            params.latent.absorbed, rotated};
}

/// The K/V rows of any layer: one that recurs has none.
[[nodiscard]] inline kv::LayerShape layer_shape(const model::HyperParameters & params, std::uint32_t layer,
                                                KvTypes type, bool rotated = true) {
    kv::LayerShape shape = attending_shape(params, type, rotated);
    shape.kv_heads = params.layer_recurs(layer) ? 0 : shape.kv_heads;
    return shape;
}

/// Floats of each layer's recurrent state.
[[nodiscard]] inline std::vector<std::size_t> state_floats(const model::HyperParameters & params) {
    std::vector<std::size_t> floats(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        floats[layer] = params.layer_recurs(layer) ? params.recurrence.state_floats() : 0;
    }
    return floats;
}

/// Bytes of one sequence's recurrent states.
[[nodiscard]] inline std::uint64_t state_bytes(const model::HyperParameters & params) {
    return std::uint64_t{params.layers - params.attending_layers()} * params.recurrence.state_floats() * sizeof(float);
}

/// A layer's attention, its weights included.
[[nodiscard]] inline attention::AttentionSpec layer_spec(const model::HyperParameters & params,
                                                         const model::Decoder & decoder, std::uint32_t layer) {
    attention::AttentionSpec spec = params.attention_spec(layer);
    spec.sinks = decoder.sinks(layer);
    return spec;
}

/// Rows of `n` that a layer has a use for once the prompt is read: all, those in its sliding window, or none where it
/// recurs.
[[nodiscard]] inline std::uint32_t rows_of_use(const model::HyperParameters & params, std::uint32_t layer,
                                               std::uint32_t n) {
    if (params.layer_recurs(layer)) {
        return 0;
    }
    const std::uint32_t window = params.window_of(layer);
    return window > 0 ? std::min(window, n) : n;
}

/// More than the nodes of one layer and of the logits, attention aside; `spans`: of sequences, where it recurs.
[[nodiscard]] inline std::size_t layer_nodes(const model::HyperParameters & params, std::size_t spans = 1) {
    return 96 + std::size_t{2} * params.experts.used + (params.recurs.empty() ? 0 : 64 * spans);
}

}  // namespace snapkv::run
