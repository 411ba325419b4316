#include "parity/random_family.h"

#include <fmt/core.h>

#include <memory>

#include "parity/gguf_builder.h"

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
    number("feed_forward_length", shape.feed_forward);
    number("attention.head_count", shape.heads);
    number("attention.head_count_kv", shape.kv_heads);
    number("attention.key_length", shape.head_size);
    number("attention.value_length", shape.head_size);
    number("rope.dimension_count", shape.head_size);
    gguf_set_val_f32(
        keys, name(shape.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon").c_str(),
        1e-5F);
    if (shape.experts > 0) {
        number("expert_count", shape.experts);
        number("expert_used_count", shape.experts_used);
        number("expert_feed_forward_length", shape.expert_feed_forward);
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
    Layer(GgufBuilder & builder, const FamilyShape & shape, std::string prefix)
        : builder_(builder), shape_(shape), prefix_(std::move(prefix)) {}

    void add() {
        norm("attn_norm");
        attention();
        head_norms();
        if (shape_.post_norms) {
            norm("post_attention_norm");
            norm("post_ffw_norm");
        }
        if (!shape_.network_norm.empty()) {
            norm(shape_.network_norm);
        }
        if (shape_.experts > 0) {
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
            linear("attn_q", shape_.width, q, 1.5F, shape_.biases);
            linear("attn_k", shape_.width, kv, 1.5F, shape_.biases);
            linear("attn_v", shape_.width, kv, 1, shape_.biases);
        }
        linear("attn_output", q, shape_.width, 1, shape_.output_bias);
        if (shape_.sinks) {
            builder_.tensor(prefix_ + "attn_sinks.weight", {shape_.heads}, 1, 1);
        }
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
    }

    GgufBuilder & builder_;
    const FamilyShape & shape_;
    std::string prefix_;
};

}  // namespace

TemporaryPath random_family(const FamilyShape & shape, std::uint32_t seed) {
    GgufBuilder builder(seed);
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
        Layer(builder, shape, fmt::format("blk.{}.", layer)).add();
    }
    TemporaryPath path(".gguf");
    builder.write(path.get());
    return path;
}

}  // namespace snapkv::test
