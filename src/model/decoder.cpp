#include "model/decoder.h"

#include "product/ggml_products.h"

namespace snapkv::model {

namespace {

/// Does `second` lie right behind `first`, both views of one tensor?
bool follows(const ggml_tensor * first, const ggml_tensor * second) {
    return first->view_src != nullptr && first->view_src == second->view_src &&
           first->view_offs + ggml_nbytes(first) == second->view_offs;
}

/// Columns [first, first + count) of each row.
ggml_tensor * columns(ggml_context * ctx, ggml_tensor * x, std::int64_t first, std::int64_t count) {
    const std::size_t offset = static_cast<std::size_t>(first) * sizeof(float);
    return ggml_cont(ctx, ggml_view_2d(ctx, x, count, x->ne[1], x->nb[1], offset));
}

}  // namespace

Decoder::Decoder(const HyperParameters & params, Weights & weights) : params_(params) {
    const std::int64_t width = params.width;
    const std::int64_t vocabulary = params.vocabulary;
    embedding_ = weights.require("token_embd.weight", {width, vocabulary}, Weights::Use::Lookup);
    output_norm_ = weights.require("output_norm.weight", {width}, Weights::Use::Elements);
    if (params.family->own_output) {
        output_.weight = weights.optional("output.weight", {width, vocabulary}, Weights::Use::Multiply);
        output_.bias = weights.optional("output.bias", {vocabulary}, Weights::Use::Elements);
    }
    if (output_.weight == nullptr) {
        output_.weight = weights.require("token_embd.weight", {width, vocabulary}, Weights::Use::Multiply);
    }
    take_rope_factors(weights);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        layers_.push_back(take_layer(weights, layer));
    }
    for (std::uint32_t layer = 0; layer < params.unused_layers; ++layer) {
        weights.ignore(layer_prefix(params.layers + layer));
    }
}

void Decoder::take_rope_factors(Weights & weights) {
    const std::int64_t pairs = params_.rope.dimensions / 2;
    rope_factors_ = weights.optional("rope_freqs.weight", {pairs}, Weights::Use::Elements);
    const char * of_long = "rope_factors_long.weight";
    const char * of_short = "rope_factors_short.weight";
    if (weights.has(of_long) || weights.has(of_short)) {
        ggml_tensor * both[] = {weights.require(of_short, {pairs}, Weights::Use::Elements),
                                weights.require(of_long, {pairs}, Weights::Use::Elements)};
        if (rope_factors_ == nullptr) {  // as libllama
            rope_factors_ = both[params_.rope.long_factors ? 1 : 0];
        }
    }
}

product::Linear Decoder::take_linear(Weights & weights, const std::string & name, std::int64_t in, std::int64_t out) {
    return {weights.require(name + ".weight", {in, out}, Weights::Use::Multiply),
            weights.optional(name + ".bias", {out}, Weights::Use::Elements)};
}

product::Norm Decoder::take_norm(Weights & weights, const std::string & name) const {
    return {weights.require(name + ".weight", {params_.width}, Weights::Use::Elements), params_.norm_epsilon,
            params_.family->norm};
}

Decoder::Layer Decoder::take_layer(Weights & weights, std::uint32_t index) const {
    const Family & family = *params_.family;
    const std::string prefix = layer_prefix(index);
    Layer layer;
    layer.attention_norm = take_norm(weights, prefix + "attn_norm");
    if (params_.layer_recurs(index)) {
        layer.delta.emplace(weights, prefix, params_);
    } else {
        take_attention(weights, prefix, layer);
        take_head_norms(weights, prefix, layer);
    }
    if (family.post_norms) {
        layer.attention_post_norm = take_norm(weights, prefix + "post_attention_norm");
        layer.network_post_norm = take_norm(weights, prefix + "post_ffw_norm");
    }
    if (!family.parallel) {
        layer.network_norm = take_norm(weights, prefix + family.network_norm);
    }
    take_network(weights, prefix, index, layer);
    if (family.sinks) {
        layer.sinks = weights.require(prefix + "attn_sinks.weight", {params_.heads}, Weights::Use::Elements);
    }
    return layer;
}

void Decoder::take_attention(Weights & weights, const std::string & prefix, Layer & layer) const {
    const std::int64_t width = params_.width;
    const std::int64_t q = params_.query_width();
    const std::int64_t k = params_.key_width();
    const std::int64_t v = params_.value_width();
    if (params_.latent.rank > 0) {
        layer.latent.emplace(weights, prefix, params_);
        layer.attention_output = take_linear(weights, prefix + "attn_output",
                                             std::int64_t{params_.heads} * params_.latent.value_size, width);
        return;
    }
    if (weights.has(prefix + "attn_qkv.weight")) {
        layer.query_key_value = take_linear(weights, prefix + "attn_qkv", width, q + k + v);
    } else {
        layer.query = take_linear(weights, prefix + "attn_q", width, params_.family->gated_attention ? 2 * q : q);
        layer.key = take_linear(weights, prefix + "attn_k", width, k);
        layer.value = take_linear(weights, prefix + "attn_v", width, v);
    }
    layer.attention_output = take_linear(weights, prefix + "attn_output", params_.attended_width(), width);
}

void Decoder::take_head_norms(Weights & weights, const std::string & prefix, Layer & layer) const {
    const Family & family = *params_.family;
    if (family.head_norms == Family::HeadNorms::None) {
        return;
    }
    // One weight for all heads, or where they are optional (Command-R Plus) one for each.
    const bool required = family.head_norms == Family::HeadNorms::Required;
    const auto take = [&](const char * name, std::uint32_t heads) {
        const std::string whole = prefix + name + ".weight";
        ggml_tensor * weight = required ? weights.require(whole, {params_.key_size}, Weights::Use::Elements)
                                        : weights.optional(whole, {params_.key_size, heads}, Weights::Use::Elements);
        return product::Norm{weight, params_.norm_epsilon, family.norm};
    };
    layer.query_norm = take("attn_q_norm", params_.heads);
    layer.key_norm = take("attn_k_norm", params_.kv_heads);
}

void Decoder::take_network(Weights & weights, const std::string & prefix, std::uint32_t index, Layer & layer) const {
    const std::int64_t width = params_.width;
    const std::int64_t inner = params_.feed_forward;
    if (params_.layer_has_experts(index)) {
        take_experts(weights, prefix, layer);
        return;
    }
    if (params_.family->fused_gate) {
        layer.up = take_linear(weights, prefix + "ffn_up", width, 2 * inner);
    } else {
        layer.gate = take_linear(weights, prefix + "ffn_gate", width, inner);
        layer.up = take_linear(weights, prefix + "ffn_up", width, inner);
    }
    layer.down = take_linear(weights, prefix + "ffn_down", inner, width);
}

void Decoder::take_experts(Weights & weights, const std::string & prefix, Layer & layer) const {
    const std::int64_t width = params_.width;
    const std::int64_t shared = params_.experts.shared_feed_forward;
    layer.experts.emplace(weights, prefix, params_);
    if (shared > 0) {
        layer.gate = take_linear(weights, prefix + "ffn_gate_shexp", width, shared);
        layer.up = take_linear(weights, prefix + "ffn_up_shexp", width, shared);
        layer.down = take_linear(weights, prefix + "ffn_down_shexp", shared, width);
    }
    if (params_.experts.shared_gate) {
        layer.shared_gate = weights.require(prefix + "ffn_gate_inp_shexp.weight", {width}, Weights::Use::Elements);
    }
}

ggml_tensor * Decoder::embed(ggml_context * ctx, ggml_tensor * tokens) const {
    ggml_tensor * x = ggml_get_rows(ctx, embedding_, tokens);
    return params_.embedding_factor == 1.0F ? x : ggml_scale(ctx, x, params_.embedding_factor);
}

/// Those of queries, keys and values that are wanted, in this order.
std::vector<ggml_tensor *> Decoder::project(ggml_context * ctx, product::Products & products, const Layer & layer,
                                            ggml_tensor * hidden, Wanted wanted) const {
    if (layer.query_key_value.weight == nullptr) {
        std::vector<product::Linear> linears;
        if (wanted != Wanted::KeysValues) {
            linears.push_back(layer.query);
        }
        if (wanted != Wanted::Queries) {
            linears.push_back(layer.key);
            linears.push_back(layer.value);
        }
        return products.project(ctx, layer.attention_norm, linears, hidden);
    }
    ggml_tensor * all = products.project(ctx, layer.attention_norm, {&layer.query_key_value, 1}, hidden).front();
    const std::int64_t q = params_.query_width();
    const std::int64_t k = params_.key_width();
    std::vector<ggml_tensor *> results;
    if (wanted != Wanted::KeysValues) {
        results.push_back(columns(ctx, all, 0, q));
    }
    if (wanted != Wanted::Queries) {
        results.push_back(columns(ctx, all, q, k));
        results.push_back(columns(ctx, all, q + k, params_.value_width()));
    }
    return results;
}

AttentionInput Decoder::attention_input(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                        ggml_tensor * hidden, ggml_tensor * positions, Wanted wanted) const {
    const Layer & weights = layers_[layer];
    if (weights.latent) {
        return latent_input(ctx, products, layer, hidden, positions, wanted);
    }
    const std::vector<ggml_tensor *> projected = project(ctx, products, weights, hidden, wanted);
    const std::int64_t rows = hidden->ne[1];
    AttentionInput input;
    const bool plain = weights.query_norm.weight == nullptr && params_.layer_rotates(layer);
    if (plain && wanted == Wanted::All && rows == 1 && follows(projected[0], projected[1])) {
        rotate_step(ctx, projected[0], layer, positions, input);
    } else if (wanted != Wanted::KeysValues) {
        ggml_tensor * queries = split_gate(ctx, projected.front(), input);
        input.queries = turn(ctx, queries, weights.query_norm, layer, positions);
    }
    if (wanted != Wanted::Queries) {
        const std::size_t first = projected.size() - 2;
        if (input.keys == nullptr) {
            ggml_tensor * keys = ggml_reshape_3d(ctx, projected[first], params_.key_size, params_.kv_heads, rows);
            input.keys = turn(ctx, keys, weights.key_norm, layer, positions);
        }
        input.values = ggml_reshape_3d(ctx, projected[first + 1], params_.value_size, params_.kv_heads, rows);
    }
    return input;
}

AttentionInput Decoder::latent_input(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                     ggml_tensor * hidden, ggml_tensor * positions, Wanted wanted) const {
    const Layer & weights = layers_[layer];
    return weights.latent->input(ctx, products, weights.attention_norm, hidden, wanted,
                                 [&](ggml_tensor * x) { return rotate(ctx, x, layer, positions); });
}

/// Queries [key_size, heads, rows] as they were projected; where a gate stands behind each, it goes into `input`.
ggml_tensor * Decoder::split_gate(ggml_context * ctx, ggml_tensor * projected, AttentionInput & input) const {
    const std::int64_t size = params_.key_size;
    const std::int64_t heads = params_.heads;
    const std::int64_t rows = projected->ne[1];
    if (!params_.family->gated_attention) {
        return ggml_reshape_3d(ctx, projected, size, heads, rows);
    }
    ggml_tensor * both = ggml_reshape_4d(ctx, projected, size, 2, heads, rows);
    const auto half = [&](std::size_t which) {
        return ggml_view_3d(ctx, both, size, heads, rows, both->nb[2], both->nb[3], which * both->nb[1]);
    };
    input.gate = ggml_sigmoid(ctx, ggml_cont_2d(ctx, half(1), size * heads, rows));
    return half(0);
}

/// Heads [size, heads, rows], normed and rotated where the layer does so.
ggml_tensor * Decoder::turn(ggml_context * ctx, ggml_tensor * heads, const product::Norm & norm, std::uint32_t layer,
                            ggml_tensor * positions) const {
    ggml_tensor * normed = product::normalise(ctx, norm, heads);
    return params_.layer_rotates(layer) ? rotate(ctx, normed, layer, positions) : normed;
}

/// Queries and the keys behind them in one node: in a step, where little is computed, nodes are what costs.
void Decoder::rotate_step(ggml_context * ctx, const ggml_tensor * queries, std::uint32_t layer, ggml_tensor * positions,
                          AttentionInput & input) const {
    const std::int64_t size = params_.key_size;
    const std::int64_t heads = params_.heads;
    const std::int64_t all = heads + params_.kv_heads;
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(float);
    ggml_tensor * both = ggml_view_3d(ctx, queries->view_src, size, all, 1, bytes,
                                      static_cast<std::size_t>(all) * bytes, queries->view_offs);
    both = rotate(ctx, both, layer, positions);
    input.queries = ggml_view_3d(ctx, both, size, heads, 1, both->nb[1], both->nb[2], 0);
    input.keys = ggml_view_3d(ctx, both, size, params_.kv_heads, 1, both->nb[1], both->nb[2],
                              static_cast<std::size_t>(heads) * bytes);
}

ggml_tensor * Decoder::rotate(ggml_context * ctx, ggml_tensor * x, std::uint32_t layer, ggml_tensor * positions) const {
    const Rope & rope = params_.rope_of(layer);
    const int mode = params_.family->rope == RopeLayout::Halves ? GGML_ROPE_TYPE_NEOX : GGML_ROPE_TYPE_NORMAL;
    return ggml_rope_ext(ctx, x, positions, rope_factors_, static_cast<int>(rope.dimensions), mode,
                         static_cast<int>(rope.original_context), rope.freq_base, rope.freq_scale, rope.extrapolation,
                         rope.attention_factor, rope.beta_fast, rope.beta_slow);
}

/// hidden + what linear . input comes to. May be written over `hidden`.
ggml_tensor * Decoder::add(ggml_context * ctx, product::Products & products, const product::Linear & linear,
                           const product::Norm & post_norm, ggml_tensor * input, ggml_tensor * hidden) const {
    if (post_norm.weight == nullptr && params_.residual_factor == 1.0F) {
        return products.add_product(ctx, linear, input, hidden);
    }
    ggml_tensor * added = product::normalise(ctx, post_norm, products.multiply(ctx, linear, input));
    if (params_.residual_factor != 1.0F) {
        added = ggml_scale(ctx, added, params_.residual_factor);
    }
    return ggml_add(ctx, added, hidden);
}

/// What the network's last matrix reads.
ggml_tensor * Decoder::gated(ggml_context * ctx, product::Products & products, const Layer & layer,
                             const product::Norm & norm, ggml_tensor * hidden) const {
    if (params_.family->fused_gate) {
        return ggml_swiglu(ctx, products.project(ctx, norm, {&layer.up, 1}, hidden).front());
    }
    return products.gate_up(ctx, norm, layer.gate, layer.up, params_.family->activation, hidden);
}

ggml_tensor * Decoder::finish_layer(ggml_context * ctx, product::Products & products, std::uint32_t layer,
                                    ggml_tensor * hidden, ggml_tensor * attended, ggml_tensor * gate) const {
    const Layer & weights = layers_[layer];
    if (weights.latent) {
        attended = weights.latent->output(ctx, attended);
    }
    if (gate != nullptr) {
        attended = ggml_mul(ctx, attended, gate);
    }
    if (params_.family->parallel) {
        ggml_tensor * network =
            products.multiply(ctx, weights.down, gated(ctx, products, weights, weights.attention_norm, hidden));
        // The first operand comes first in the graph: it still reads `hidden`, which the second may write over.
        return ggml_add(ctx, network, products.add_product(ctx, weights.attention_output, attended, hidden));
    }
    return add_network(ctx, products, weights,
                       add(ctx, products, weights.attention_output, weights.attention_post_norm, attended, hidden));
}

ggml_tensor * Decoder::recurrent_layer(ggml_context * ctx, ggml_cgraph * graph, product::Products & products,
                                       std::uint32_t layer, ggml_tensor * hidden, std::span<const StateSpan> spans,
                                       std::vector<StateTensors> & states) const {
    const Layer & weights = layers_[layer];
    ggml_tensor * result = weights.delta->build(ctx, graph, products, weights.attention_norm, hidden, spans, states);
    return add_network(ctx, products, weights,
                       add(ctx, products, weights.delta->output(), weights.attention_post_norm, result, hidden));
}

/// hidden + what the layer's network makes of it. May be written over `hidden`.
ggml_tensor * Decoder::add_network(ggml_context * ctx, product::Products & products, const Layer & layer,
                                   ggml_tensor * hidden) const {
    if (!layer.experts) {
        return add(ctx, products, layer.down, layer.network_post_norm,
                   gated(ctx, products, layer, layer.network_norm, hidden), hidden);
    }
    ggml_tensor * network = expert_results(ctx, products, layer, hidden);
    if (params_.residual_factor != 1.0F) {
        network = ggml_scale(ctx, network, params_.residual_factor);
    }
    return ggml_add(ctx, network, hidden);
}

ggml_tensor * Decoder::expert_results(ggml_context * ctx, product::Products & products, const Layer & layer,
                                      ggml_tensor * hidden) const {
    ggml_tensor * normed = product::normalise(ctx, layer.network_norm, hidden);
    ggml_tensor * results = layer.experts->build(ctx, products, normed);
    if (layer.down.weight == nullptr) {
        return results;
    }
    ggml_tensor * shared = products.multiply(ctx, layer.down, gated(ctx, products, layer, layer.network_norm, hidden));
    if (layer.shared_gate != nullptr) {
        shared =
            ggml_mul(ctx, shared,
                     ggml_sigmoid(ctx, products.multiply(ctx, product::Linear{layer.shared_gate, nullptr}, normed)));
    }
    return ggml_add(ctx, results, shared);
}

std::vector<product::Linear> Decoder::matrices(std::uint32_t layer) const {
    const Layer & weights = layers_[layer];
    std::vector<product::Linear> all;
    for (const product::Linear & linear : {weights.query_key_value, weights.query, weights.key, weights.value,
                                           weights.attention_output, weights.gate, weights.up, weights.down}) {
        if (linear.weight != nullptr) {
            all.push_back(linear);
        }
    }
    if (weights.latent) {
        weights.latent->add_matrices(all);
    }
    if (weights.delta) {
        weights.delta->add_matrices(all);
    }
    return all;
}

ggml_tensor * Decoder::logits(ggml_context * ctx, product::Products & products, ggml_tensor * hidden) const {
    const product::Norm norm{output_norm_, params_.norm_epsilon, params_.family->norm};
    ggml_tensor * x = products.project(ctx, norm, {&output_, 1}, hidden).front();
    if (params_.logit_factor != 1.0F) {
        x = ggml_scale(ctx, x, params_.logit_factor);
    }
    if (params_.logit_cap > 0) {
        x = ggml_scale(ctx, ggml_tanh(ctx, ggml_scale(ctx, x, 1.0F / params_.logit_cap)), params_.logit_cap);
    }
    return x;
}

std::span<const float> Decoder::sinks(std::uint32_t layer) const {
    const ggml_tensor * sinks = layers_[layer].sinks;
    return sinks == nullptr ? std::span<const float>()
                            : std::span(static_cast<const float *>(sinks->data), params_.heads);
}

}  // namespace snapkv::model
