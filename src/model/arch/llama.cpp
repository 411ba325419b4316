#include <string>
#include <vector>

#include "model/architecture.h"

namespace snapkv::model {

namespace {

/// The llama architecture: RMSNorm, rotary grouped-query attention, SwiGLU; untied or tied output; optional biases.
class Llama final : public Architecture {
public:
    Llama(const HyperParameters & params, Weights & weights) : params_(params) {
        const std::int64_t width = params.width;
        const std::int64_t vocabulary = params.vocabulary;
        embedding_ = weights.require("token_embd.weight", {width, vocabulary}, Weights::Use::Lookup);
        output_norm_ = weights.require("output_norm.weight", {width}, Weights::Use::Elements);
        output_ = weights.optional("output.weight", {width, vocabulary}, Weights::Use::Multiply);
        if (output_ == nullptr) {
            output_ = weights.require("token_embd.weight", {width, vocabulary}, Weights::Use::Multiply);
        }
        rope_factors_ = weights.optional("rope_freqs.weight", {params.rope.dimensions / 2}, Weights::Use::Elements);
        for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
            layers_.push_back(take_layer(weights, "blk." + std::to_string(layer) + "."));
        }
    }

    [[nodiscard]] ggml_tensor * embed(ggml_context * ctx, ggml_tensor * tokens) const override {
        return ggml_get_rows(ctx, embedding_, tokens);
    }

    [[nodiscard]] AttentionInput attention_input(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                                 ggml_tensor * hidden, ggml_tensor * positions,
                                                 Wanted wanted) const override {
        const Layer & weights = layers_[layer];
        std::vector<product::Linear> linears;
        if (wanted != Wanted::KeysValues) {
            linears.push_back(weights.query);
        }
        if (wanted != Wanted::Queries) {
            linears.push_back(weights.key);
            linears.push_back(weights.value);
        }
        const std::vector<ggml_tensor *> projected = products.project(ctx, weights.attention_norm, linears, hidden);
        const std::int64_t rows = hidden->ne[1];
        AttentionInput input;
        if (wanted == Wanted::All && rows == 1 && follows(projected[0], projected[1])) {
            rotate_step(ctx, projected[0], positions, input);
        } else if (wanted != Wanted::KeysValues) {
            input.queries =
                rotate(ctx, ggml_reshape_3d(ctx, projected.front(), params_.key_size, params_.heads, rows), positions);
        }
        if (wanted != Wanted::Queries) {
            const std::size_t first = projected.size() - 2;
            if (input.keys == nullptr) {
                input.keys = rotate(
                    ctx, ggml_reshape_3d(ctx, projected[first], params_.key_size, params_.kv_heads, rows), positions);
            }
            input.values = ggml_reshape_3d(ctx, projected[first + 1], params_.value_size, params_.kv_heads, rows);
        }
        return input;
    }

    [[nodiscard]] ggml_tensor * finish_layer(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                             ggml_tensor * hidden, ggml_tensor * attended) const override {
        const Layer & weights = layers_[layer];
        ggml_tensor * x = products.add_product(ctx, weights.attention_output, attended, hidden);
        ggml_tensor * gated = products.gate_up(ctx, weights.feed_forward_norm, weights.gate, weights.up, x);
        return products.add_product(ctx, weights.down, gated, x);
    }

    [[nodiscard]] std::vector<product::Linear> matrices(std::uint32_t layer) const override {
        const Layer & weights = layers_[layer];
        return {weights.query, weights.key, weights.value, weights.attention_output,
                weights.gate,  weights.up,  weights.down};
    }

    [[nodiscard]] ggml_tensor * logits(ggml_context * ctx, product::Products & products,
                                       ggml_tensor * hidden) const override {
        const product::Linear output{output_, nullptr};
        return products.project(ctx, {output_norm_, params_.norm_epsilon}, {&output, 1}, hidden).front();
    }

private:
    struct Layer {
        product::Norm attention_norm;
        product::Linear query, key, value, attention_output;
        product::Norm feed_forward_norm;
        product::Linear gate, up, down;
    };

    static product::Linear take_linear(Weights & weights, const std::string & name, std::int64_t in, std::int64_t out) {
        return {weights.require(name + ".weight", {in, out}, Weights::Use::Multiply),
                weights.optional(name + ".bias", {out}, Weights::Use::Elements)};
    }

    [[nodiscard]] product::Norm take_norm(Weights & weights, const std::string & name) const {
        return {weights.require(name + ".weight", {params_.width}, Weights::Use::Elements), params_.norm_epsilon};
    }

    [[nodiscard]] Layer take_layer(Weights & weights, const std::string & prefix) const {
        const std::int64_t width = params_.width;
        const std::int64_t inner = params_.feed_forward;
        const std::int64_t q = std::int64_t{params_.heads} * params_.key_size;
        const std::int64_t k = std::int64_t{params_.kv_heads} * params_.key_size;
        const std::int64_t v = std::int64_t{params_.kv_heads} * params_.value_size;
        const std::int64_t attended = std::int64_t{params_.heads} * params_.value_size;
        return {take_norm(weights, prefix + "attn_norm"),
                take_linear(weights, prefix + "attn_q", width, q),
                take_linear(weights, prefix + "attn_k", width, k),
                take_linear(weights, prefix + "attn_v", width, v),
                take_linear(weights, prefix + "attn_output", attended, width),
                take_norm(weights, prefix + "ffn_norm"),
                take_linear(weights, prefix + "ffn_gate", width, inner),
                take_linear(weights, prefix + "ffn_up", width, inner),
                take_linear(weights, prefix + "ffn_down", inner, width)};
    }

    /// Does `second` lie right behind `first`, both views of one tensor?
    static bool follows(const ggml_tensor * first, const ggml_tensor * second) {
        return first->view_src != nullptr && first->view_src == second->view_src &&
               first->view_offs + ggml_nbytes(first) == second->view_offs;
    }

    /// Queries and the keys behind them in one node: in a step, where little is computed, nodes are what costs.
    void rotate_step(ggml_context * ctx, const ggml_tensor * queries, ggml_tensor * positions,
                     AttentionInput & input) const {
        const std::int64_t size = params_.key_size;
        const std::int64_t heads = params_.heads;
        const std::int64_t all = heads + params_.kv_heads;
        const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(float);
        ggml_tensor * both = ggml_view_3d(ctx, queries->view_src, size, all, 1, bytes,
                                          static_cast<std::size_t>(all) * bytes, queries->view_offs);
        both = rotate(ctx, both, positions);
        input.queries = ggml_view_3d(ctx, both, size, heads, 1, both->nb[1], both->nb[2], 0);
        input.keys = ggml_view_3d(ctx, both, size, params_.kv_heads, 1, both->nb[1], both->nb[2],
                                  static_cast<std::size_t>(heads) * bytes);
    }

    [[nodiscard]] ggml_tensor * rotate(ggml_context * ctx, ggml_tensor * x, ggml_tensor * positions) const {
        const Rope & rope = params_.rope;
        return ggml_rope_ext(ctx, x, positions, rope_factors_, static_cast<int>(rope.dimensions), GGML_ROPE_TYPE_NORMAL,
                             static_cast<int>(rope.original_context), rope.freq_base, rope.freq_scale,
                             rope.extrapolation, rope.attention_factor, rope.beta_fast, rope.beta_slow);
    }

    HyperParameters params_;
    ggml_tensor * embedding_ = nullptr;
    ggml_tensor * output_norm_ = nullptr;
    ggml_tensor * output_ = nullptr;
    ggml_tensor * rope_factors_ = nullptr;  ///< null: none
    std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<Architecture> make_llama(const HyperParameters & params, Weights & weights) {
    return std::make_unique<Llama>(params, weights);
}

}  // namespace snapkv::model
