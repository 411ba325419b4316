#include "support/random_family.h"

#include <fmt/core.h>

#include <memory>

#include "support/gguf_builder.h"

namespace snapkv::test {

namespace {

void add_keys(gguf_context * keys, const FamilyShape & shape) {
    const auto name = [&](const std::string & key) { return shape.architecture + "." + key; };
    const auto number = [&](const std::string & key, std::uint32_t value) {
        gguf_set_val_u32(keys, name(key).c_str(), value);
    };
    gguf_set_val_str(keys, "general.architecture", shape.architecture.c_str());
    gguf_set_val_str(keys, "general.name", "random");
    number("block_count", shape.layers);
    number("context_length", shape.context);
    number("embedding_length", shape.width);
    if (!shape.only_experts) {
        number("feed_forward_length", shape.feed_forward);
    }
    number("attention.head_count", shape.heads);
    number("attention.head_count_kv", shape.kv_heads);
    number("attention.key_length", shape.head_size);
    number("attention.value_length", shape.value_size > 0 ? shape.value_size : shape.head_size);
    number("rope.dimension_count", shape.head_size);
    gguf_set_val_f32(
        keys, name(shape.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon").c_str(),
        1e-5F);
    if (shape.experts > 0) {
        number("expert_count", shape.experts);
        number("expert_used_count", shape.experts_used);
        number("expert_feed_forward_length", shape.expert_feed_forward);
    }
    if (shape.dense_layers > 0) {
        number("leading_dense_block_count", shape.dense_layers);
    }
    if (shape.latent) {
        number("attention.kv_lora_rank", shape.latent->rank);
        number("rope.dimension_count", shape.latent->rotated);
        if (shape.latent->query_rank > 0) {
            number("attention.q_lora_rank", shape.latent->query_rank);
        }
        if (shape.latent->absorbed) {
            number("attention.key_length_mla", shape.latent->plain + shape.latent->rotated);
            number("attention.value_length_mla", shape.latent->values);
        }
    }
    if (shape.recurrence) {
        number("full_attention_interval", shape.recurrence->interval);
        number("ssm.conv_kernel", shape.recurrence->kernel);
        number("ssm.state_size", shape.recurrence->size);
        number("ssm.group_count", shape.recurrence->key_heads);
        number("ssm.time_step_rank", shape.recurrence->value_heads);
        number("ssm.inner_size", shape.recurrence->value_heads * shape.recurrence->size);
    }
    if (shape.rope_sections) {
        gguf_set_arr_data(keys, name("rope.dimension_sections").c_str(), GGUF_TYPE_INT32, shape.rope_sections->data(),
                          shape.rope_sections->size());
    }
    for (const auto & [key, value] : shape.numbers) {
        number(key, value);
    }
    for (const auto & [key, value] : shape.reals) {
        gguf_set_val_f32(keys, name(key).c_str(), value);
    }
    for (const auto & [key, value] : shape.flags) {
        gguf_set_val_bool(keys, name(key).c_str(), value);
    }
    for (const auto & [key, value] : shape.words) {
        gguf_set_val_str(keys, name(key).c_str(), value.c_str());
    }
    if (shape.sliding_pattern) {
        const std::size_t count = shape.sliding_pattern->size();
        const auto flags = std::make_unique<bool[]>(count);
        for (std::size_t i = 0; i < count; ++i) {
            flags[i] = (*shape.sliding_pattern)[i];
        }
        gguf_set_arr_data(keys, name("attention.sliding_window_pattern").c_str(), GGUF_TYPE_BOOL, flags.get(), count);
    }
}

/// One layer's tensors.
class Layer {
public:
    Layer(GgufBuilder & builder, const FamilyShape & shape, std::uint32_t index)
        : builder_(builder), shape_(shape), index_(index), prefix_(fmt::format("blk.{}.", index)) {}

    void add() {
        norm("attn_norm");
        if (shape_.recurs(index_)) {
            recurrence();
        } else if (shape_.latent) {
            latent(*shape_.latent);
        } else {
            attention();
            head_norms();
        }
        if (shape_.post_norms) {
            norm("post_attention_norm");
            norm("post_ffw_norm");
        }
        if (!shape_.network_norm.empty()) {
            norm(shape_.network_norm);
        }
        if (shape_.experts > 0 && index_ >= shape_.dense_layers) {
            experts();
        } else {
            network();
        }
    }

private:
    void norm(const std::string & name) { builder_.tensor(prefix_ + name + ".weight", {shape_.width}, 0.1F, 1); }
    void linear(const std::string & name, std::int64_t in, std::int64_t out, float gain, bool bias = false) {
        builder_.matrix(prefix_ + name + ".weight", in, out, gain);
        if (bias) {
            builder_.tensor(prefix_ + name + ".bias", {out}, 0.3F);
        }
    }
    void attention() {
        const std::int64_t q = std::int64_t{shape_.heads} * shape_.head_size;
        const std::int64_t kv = std::int64_t{shape_.kv_heads} * shape_.head_size;
        if (shape_.fused_qkv) {
            linear("attn_qkv", shape_.width, q + 2 * kv, 1.3F, shape_.biases);
        } else {
            linear("attn_q", shape_.width, shape_.gated_attention ? 2 * q : q, 1.5F, shape_.biases);
            linear("attn_k", shape_.width, kv, 1.5F, shape_.biases);
            linear("attn_v", shape_.width, kv, 1, shape_.biases);
        }
        linear("attn_output", q, shape_.width, 1, shape_.output_bias);
        if (shape_.sinks) {
            builder_.tensor(prefix_ + "attn_sinks.weight", {shape_.heads}, 1, 1);
        }
    }
    void latent(const FamilyShape::Latent & latent) {
        const std::int64_t heads = shape_.heads;
        const std::int64_t queries = heads * (latent.plain + latent.rotated);
        if (latent.query_rank > 0) {
            linear("attn_q_a", shape_.width, latent.query_rank, 1);
            builder_.tensor(prefix_ + "attn_q_a_norm.weight", {latent.query_rank}, 0.1F, 1);
            linear("attn_q_b", latent.query_rank, queries, 1.5F);
        } else {
            linear("attn_q", shape_.width, queries, 1.5F);
        }
        linear("attn_kv_a_mqa", shape_.width, latent.rank + latent.rotated, 1.5F);
        builder_.tensor(prefix_ + "attn_kv_a_norm.weight", {latent.rank}, 0.1F, 1);
        if (latent.absorbed) {
            builder_.matrix(prefix_ + "attn_k_b.weight", latent.plain, latent.rank, 1, heads);
            builder_.matrix(prefix_ + "attn_v_b.weight", latent.rank, latent.values, 1, heads);
        } else {
            linear("attn_kv_b", latent.rank, heads * (latent.plain + latent.values), 1.2F);
        }
        linear("attn_output", heads * latent.values, shape_.width, 1);
    }
    void recurrence() {
        const FamilyShape::Recurrence & recurrence = *shape_.recurrence;
        const std::int64_t heads = recurrence.value_heads;
        const std::int64_t keys = std::int64_t{recurrence.key_heads} * recurrence.size;
        const std::int64_t values = heads * recurrence.size;
        linear("attn_qkv", shape_.width, 2 * keys + values, 1);
        linear("attn_gate", shape_.width, values, 1);
        if (recurrence.joined_rates) {
            linear("ssm_ba", shape_.width, 2 * heads, 1);
        } else {
            linear("ssm_beta", shape_.width, heads, 1);
            linear("ssm_alpha", shape_.width, heads, 1);
        }
        builder_.tensor(prefix_ + "ssm_conv1d.weight", {recurrence.kernel, 2 * keys + values}, 0.5F);
        builder_.tensor(prefix_ + "ssm_dt.bias", {heads}, 0.3F, -2);
        builder_.tensor(prefix_ + "ssm_a", {heads}, 0.2F, -0.5F);
        builder_.tensor(prefix_ + "ssm_norm.weight", {recurrence.size}, 0.1F, 1);
        linear("ssm_out", values, shape_.width, 1);
    }
    void head_norms() {
        const auto add = [&](const char * name, std::int64_t heads) {
            const std::int64_t size = shape_.head_size;
            builder_.tensor(prefix_ + name + ".weight",
                            shape_.head_norms == FamilyShape::HeadNorms::EachHead
                                ? std::vector<std::int64_t>{size, heads}
                                : std::vector<std::int64_t>{size},
                            0.2F, 1.3F);
        };
        if (shape_.head_norms != FamilyShape::HeadNorms::None) {
            add("attn_q_norm", shape_.heads);
            add("attn_k_norm", shape_.kv_heads);
        }
    }
    void network() {
        const std::int64_t inner = shape_.feed_forward;
        if (shape_.fused_gate) {
            linear("ffn_up", shape_.width, 2 * inner, 1.3F);
        } else {
            linear("ffn_gate", shape_.width, inner, 1.5F);
            linear("ffn_up", shape_.width, inner, 1);
        }
        linear("ffn_down", inner, shape_.width, 1);
    }
    void experts() {
        const std::int64_t inner = shape_.expert_feed_forward;
        const std::int64_t count = shape_.experts;
        linear("ffn_gate_inp", shape_.width, count, 1, shape_.expert_biases);
        const auto add = [&](const char * name, std::int64_t in, std::int64_t out, float gain) {
            builder_.matrix(prefix_ + name + ".weight", in, out, gain, count);
            if (shape_.expert_biases) {
                builder_.tensor(prefix_ + name + ".bias", {out, count}, 0.3F);
            }
        };
        add("ffn_gate_exps", shape_.width, inner, 1.5F);
        add("ffn_up_exps", shape_.width, inner, 1);
        add("ffn_down_exps", inner, shape_.width, 1);
        if (shape_.choice_bias) {
            builder_.tensor(prefix_ + "exp_probs_b.bias", {count}, 0.3F);
        }
        if (const std::int64_t shared = shape_.shared_feed_forward; shared > 0) {
            linear("ffn_gate_shexp", shape_.width, shared, 1.5F);
            linear("ffn_up_shexp", shape_.width, shared, 1);
            linear("ffn_down_shexp", shared, shape_.width, 1);
        }
        if (shape_.shared_gate) {
            builder_.tensor(prefix_ + "ffn_gate_inp_shexp.weight", {shape_.width}, 0.1F);
        }
    }

    GgufBuilder & builder_;
    const FamilyShape & shape_;
    std::uint32_t index_;
    std::string prefix_;
};

}  // namespace

void write_random_family(const FamilyShape & shape, const std::filesystem::path & path, std::uint32_t seed) {
    GgufBuilder builder(seed);
    builder.spoil = shape.spoil;
    add_keys(builder.keys(), shape);
    add_vocabulary(builder.keys(), shape.vocabulary);
    builder.tensor("token_embd.weight", {shape.width, shape.vocabulary}, 1);
    builder.tensor("output_norm.weight", {shape.width}, 0.1F, 1);
    if (!shape.tied) {
        builder.matrix("output.weight", shape.width, shape.vocabulary, 1);
    }
    if (shape.long_factors) {
        const auto factors = [&](const char * name, float most) {
            const auto count = static_cast<std::int64_t>(shape.head_size / 2);
            builder.fill(name, {count}, [&](std::size_t index) {
                return 1 + (most - 1) * static_cast<float>(index) / static_cast<float>(count);
            });
        };
        factors("rope_factors_long.weight", 20);
        factors("rope_factors_short.weight", 1.5F);
    }
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        Layer(builder, shape, layer).add();
    }
    builder.write(path);
}

}  // namespace snapkv::test
