#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ggml.h"
#include "model/hyper_parameters.h"
#include "model/state_tensors.h"
#include "model/weights.h"
#include "product/products.h"

namespace snapkv::model {

/// One model family as the pieces of its layers, each a few graph nodes. Hidden states are [width, rows] float32,
/// positions [rows] int32. The engine puts the pieces together in the order it needs: whole layers in decode, a
/// layer's rows chunk by chunk in prefill, only queries or only keys and values where the rest is not wanted. How
/// products are computed is `products`' business. Immutable; graphs are built from several threads at once.
class Architecture {
public:
    virtual ~Architecture() = default;

    /// What attention takes: rotated queries [key_size, heads, rows], rotated keys [key_size, kv_heads, rows], values
    /// [value_size, kv_heads, rows]; null where not asked for.
    struct AttentionInput {
        ggml_tensor * queries = nullptr;
        ggml_tensor * keys = nullptr;
        ggml_tensor * values = nullptr;
        ggml_tensor * gate = nullptr;  ///< for finish_layer(), where the family has one; comes with the queries
    };
    enum class Wanted { All, Queries, KeysValues };

    /// Hidden states of `tokens` ([rows] int32).
    [[nodiscard]] virtual ggml_tensor * embed(ggml_context * ctx, ggml_tensor * tokens) const = 0;
    /// What the layer's attention takes, from the hidden states.
    [[nodiscard]] virtual AttentionInput attention_input(ggml_context * ctx, product::Products & products,
                                                         std::uint32_t layer, ggml_tensor * hidden,
                                                         ggml_tensor * positions, Wanted wanted) const = 0;
    /// The layer's output from its hidden states, its attention [value_size * heads, rows] and the gate that came with
    /// the queries. May be written over `hidden`.
    [[nodiscard]] virtual ggml_tensor * finish_layer(ggml_context * ctx, product::Products & products,
                                                     std::uint32_t layer, ggml_tensor * hidden, ggml_tensor * attended,
                                                     ggml_tensor * gate) const = 0;
    /// A layer that does not attend but keeps a state for each sequence (HyperParameters::layer_recurs): its output
    /// from its hidden states, whose rows belong to the sequences of `spans`; rows in none are padding. The nodes that
    /// write states go into `graph`, in `states` one entry a span. May be written over `hidden`.
    [[nodiscard]] virtual ggml_tensor * recurrent_layer(ggml_context * ctx, ggml_cgraph * graph,
                                                        product::Products & products, std::uint32_t layer,
                                                        ggml_tensor * hidden, std::span<const StateSpan> spans,
                                                        std::vector<StateTensors> & states) const = 0;
    /// The matrices that the layer's products take; logits() takes others.
    [[nodiscard]] virtual std::vector<product::Linear> matrices(std::uint32_t layer) const = 0;
    /// Logits [vocabulary, rows] of the last layer's output.
    [[nodiscard]] virtual ggml_tensor * logits(ggml_context * ctx, product::Products & products,
                                               ggml_tensor * hidden) const = 0;
    /// The logits beside the rows' that take their share of the layer's attention, one a head, among the weights;
    /// empty: none. Only once the weights are in place.
    [[nodiscard]] virtual std::span<const float> sinks(std::uint32_t layer) const = 0;
};

/// The family that `params.architecture` names, among those read_hyper_parameters() accepts. Takes its tensors from
/// `weights`, which must outlive it.
std::unique_ptr<Architecture> make_architecture(const HyperParameters & params, Weights & weights);

}  // namespace snapkv::model
