#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/attention_input.h"
#include "model/delta_net.h"
#include "model/expert_network.h"
#include "model/hyper_parameters.h"
#include "model/latent_attention.h"
#include "model/state_tensors.h"
#include "model/weights.h"
#include "product/products.h"

namespace snapkv::model {

/// A decoder of attention and gated feed-forward networks, as the pieces of its layers, each a few graph nodes. What
/// sets the families apart is data: the Family, the hyper-parameters, and which of the optional tensors the file has
/// (biases, queries, keys and values in one matrix, factors of rotary frequencies). Hidden states are [width, rows]
/// float32, positions [rows] int32. The engine puts the pieces together (run/layer_graph.h); how products are computed
/// is `products`' business. Immutable; graphs are built from several threads at once.
class Decoder {
public:
    /// Takes its tensors from `weights`, which must outlive it. Throws Error(Input) as Weights::require does.
    Decoder(const HyperParameters & params, Weights & weights);

    [[nodiscard]] std::uint32_t layers() const { return static_cast<std::uint32_t>(layers_.size()); }
    /// Hidden states of `tokens` ([rows] int32).
    [[nodiscard]] ggml_tensor * embed(ggml_context * ctx, ggml_tensor * tokens) const;
    /// What the layer's attention takes, from the hidden states.
    [[nodiscard]] AttentionInput attention_input(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                                 ggml_tensor * hidden, ggml_tensor * positions, Wanted wanted) const;
    /// The layer's output from its hidden states, its attention [value_size * heads, rows] and the gate that came with
    /// the queries. May be written over `hidden`.
    [[nodiscard]] ggml_tensor * finish_layer(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                             ggml_tensor * hidden, ggml_tensor * attended, ggml_tensor * gate) const;
    /// A layer that does not attend but keeps a state for each sequence (HyperParameters::layer_recurs): its output
    /// from its hidden states, whose rows belong to the sequences of `spans`; rows in none are padding. The nodes that
    /// write states go into `graph`, in `states` one entry a span. May be written over `hidden`.
    [[nodiscard]] ggml_tensor * recurrent_layer(ggml_context * ctx, ggml_cgraph * graph, product::Products & products,
                                                std::uint32_t layer, ggml_tensor * hidden,
                                                std::span<const StateSpan> spans,
                                                std::vector<StateTensors> & states) const;
    /// The matrices that the layer's products take; logits() takes others.
    [[nodiscard]] std::vector<product::Linear> matrices(std::uint32_t layer) const;
    /// Logits [vocabulary, rows] of the last layer's output.
    [[nodiscard]] ggml_tensor * logits(ggml_context * ctx, product::Products & products, ggml_tensor * hidden) const;
    /// The logits beside the rows' that take their share of the layer's attention, one a head, among the weights;
    /// empty: none. Only once the weights are in place.
    [[nodiscard]] std::span<const float> sinks(std::uint32_t layer) const;

private:
    struct Layer {
        // Norms and matrices without weight: none.
        product::Norm attention_norm;
        product::Linear query_key_value;  ///< in place of the three that follow
        product::Linear query, key, value, attention_output;
        std::optional<LatentAttention> latent;  ///< in place of queries, keys and values
        std::optional<DeltaNet> delta;          ///< in place of attention
        product::Norm query_norm, key_norm;     ///< of each head
        product::Norm attention_post_norm;
        product::Norm network_norm;  ///< none where the network reads what attention reads
        product::Norm network_post_norm;
        product::Linear gate, up, down;        ///< no gate where `up` is both
        std::optional<ExpertNetwork> experts;  ///< in place of these, or beside them
        ggml_tensor * shared_gate = nullptr;   ///< [width]: how much of the network beside experts a token takes
        ggml_tensor * sinks = nullptr;
    };

    [[nodiscard]] static product::Linear take_linear(Weights & weights, const std::string & name, std::int64_t in,
                                                     std::int64_t out);
    [[nodiscard]] product::Norm take_norm(Weights & weights, const std::string & name) const;
    void take_rope_factors(Weights & weights);
    [[nodiscard]] Layer take_layer(Weights & weights, std::uint32_t index) const;
    void take_attention(Weights & weights, const std::string & prefix, Layer & layer) const;
    void take_head_norms(Weights & weights, const std::string & prefix, Layer & layer) const;
    void take_network(Weights & weights, const std::string & prefix, std::uint32_t index, Layer & layer) const;
    void take_experts(Weights & weights, const std::string & prefix, Layer & layer) const;

    [[nodiscard]] std::vector<ggml_tensor *> project(ggml_context * ctx, product::Products & products,
                                                     const Layer & layer, ggml_tensor * hidden, Wanted wanted) const;
    [[nodiscard]] AttentionInput latent_input(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                              ggml_tensor * hidden, ggml_tensor * positions, Wanted wanted) const;
    [[nodiscard]] ggml_tensor * split_gate(ggml_context * ctx, ggml_tensor * projected, AttentionInput & input) const;
    [[nodiscard]] ggml_tensor * turn(ggml_context * ctx, ggml_tensor * heads, const product::Norm & norm,
                                     std::uint32_t layer, ggml_tensor * positions) const;
    void rotate_step(ggml_context * ctx, const ggml_tensor * queries, std::uint32_t layer, ggml_tensor * positions,
                     AttentionInput & input) const;
    [[nodiscard]] ggml_tensor * rotate(ggml_context * ctx, ggml_tensor * x, std::uint32_t layer,
                                       ggml_tensor * positions) const;
    [[nodiscard]] ggml_tensor * add(ggml_context * ctx, product::Products & products, const product::Linear & linear,
                                    const product::Norm & post_norm, ggml_tensor * input, ggml_tensor * hidden) const;
    [[nodiscard]] ggml_tensor * gated(ggml_context * ctx, product::Products & products, const Layer & layer,
                                      const product::Norm & norm, ggml_tensor * hidden) const;

    [[nodiscard]] ggml_tensor * add_network(ggml_context * ctx, product::Products & products, const Layer & layer,
                                            ggml_tensor * hidden) const;
    [[nodiscard]] ggml_tensor * expert_results(ggml_context * ctx, product::Products & products, const Layer & layer,
                                               ggml_tensor * hidden) const;

    HyperParameters params_;
    ggml_tensor * embedding_ = nullptr;
    ggml_tensor * output_norm_ = nullptr;
    product::Linear output_;
    ggml_tensor * rope_factors_ = nullptr;  ///< null: none
    std::vector<Layer> layers_;
};

}  // namespace snapkv::model
