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

    [[nodiscard]] ggml_tensor * attention_input(ggml_context * ctx, std::uint32_t layer,
                                                ggml_tensor * hidden) const override {
        return norm(ctx, hidden, layers_[layer].attention_norm);
    }

    [[nodiscard]] ggml_tensor * queries(ggml_context * ctx, std::uint32_t layer, ggml_tensor * input,
                                        ggml_tensor * positions) const override {
        ggml_tensor * q = multiply(ctx, layers_[layer].query, input);
        return rotate(ctx, ggml_reshape_3d(ctx, q, params_.key_size, params_.heads, input->ne[1]), positions);
    }

    [[nodiscard]] KeyValue keys_values(ggml_context * ctx, std::uint32_t layer, ggml_tensor * input,
                                       ggml_tensor * positions) const override {
        ggml_tensor * k = multiply(ctx, layers_[layer].key, input);
        ggml_tensor * v = multiply(ctx, layers_[layer].value, input);
        return {rotate(ctx, ggml_reshape_3d(ctx, k, params_.key_size, params_.kv_heads, input->ne[1]), positions),
                ggml_reshape_3d(ctx, v, params_.value_size, params_.kv_heads, input->ne[1])};
    }

    [[nodiscard]] ggml_tensor * finish_layer(ggml_context * ctx, std::uint32_t layer, ggml_tensor * hidden,
                                             ggml_tensor * attended) const override {
        const Layer & weights = layers_[layer];
        ggml_tensor * x = ggml_add(ctx, multiply(ctx, weights.attention_output, attended), hidden);
        ggml_tensor * input = norm(ctx, x, weights.feed_forward_norm);
        ggml_tensor * gated =
            ggml_swiglu_split(ctx, multiply(ctx, weights.gate, input), multiply(ctx, weights.up, input));
        return ggml_add(ctx, multiply(ctx, weights.down, gated), x);
    }

    [[nodiscard]] ggml_tensor * logits(ggml_context * ctx, ggml_tensor * hidden) const override {
        return ggml_mul_mat(ctx, output_, norm(ctx, hidden, output_norm_));
    }

private:
    struct Linear {
        ggml_tensor * weight = nullptr;
        ggml_tensor * bias = nullptr;  ///< null: none
    };
    struct Layer {
        ggml_tensor * attention_norm;
        Linear query, key, value, attention_output;
        ggml_tensor * feed_forward_norm;
        Linear gate, up, down;
    };

    static Linear take_linear(Weights & weights, const std::string & name, std::int64_t in, std::int64_t out) {
        return {weights.require(name + ".weight", {in, out}, Weights::Use::Multiply),
                weights.optional(name + ".bias", {out}, Weights::Use::Elements)};
    }

    [[nodiscard]] Layer take_layer(Weights & weights, const std::string & prefix) const {
        const std::int64_t width = params_.width;
        const std::int64_t inner = params_.feed_forward;
        const std::int64_t q = std::int64_t{params_.heads} * params_.key_size;
        const std::int64_t k = std::int64_t{params_.kv_heads} * params_.key_size;
        const std::int64_t v = std::int64_t{params_.kv_heads} * params_.value_size;
        const std::int64_t attended = std::int64_t{params_.heads} * params_.value_size;
        return {weights.require(prefix + "attn_norm.weight", {width}, Weights::Use::Elements),
                take_linear(weights, prefix + "attn_q", width, q),
                take_linear(weights, prefix + "attn_k", width, k),
                take_linear(weights, prefix + "attn_v", width, v),
                take_linear(weights, prefix + "attn_output", attended, width),
                weights.require(prefix + "ffn_norm.weight", {width}, Weights::Use::Elements),
                take_linear(weights, prefix + "ffn_gate", width, inner),
                take_linear(weights, prefix + "ffn_up", width, inner),
                take_linear(weights, prefix + "ffn_down", inner, width)};
    }

    [[nodiscard]] ggml_tensor * norm(ggml_context * ctx, ggml_tensor * x, ggml_tensor * weight) const {
        return ggml_mul(ctx, ggml_rms_norm(ctx, x, params_.norm_epsilon), weight);
    }

    static ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * x) {
        ggml_tensor * product = ggml_mul_mat(ctx, linear.weight, x);
        return linear.bias == nullptr ? product : ggml_add(ctx, product, linear.bias);
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
