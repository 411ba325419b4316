#include "parity/random_model.h"

#include <fmt/core.h>

#include <random>

#include "support/gguf_builder.h"

namespace snapkv::test {

namespace {

constexpr std::uint32_t kControlTokens = 3;

void add_shape(gguf_context * keys, const RandomShape & shape) {
    gguf_set_val_str(keys, "general.architecture", "llama");
    gguf_set_val_str(keys, "general.name", "random");
    gguf_set_val_u32(keys, "llama.block_count", shape.layers);
    gguf_set_val_u32(keys, "llama.context_length", shape.context);
    gguf_set_val_u32(keys, "llama.embedding_length", shape.width);
    gguf_set_val_u32(keys, "llama.feed_forward_length", shape.feed_forward);
    gguf_set_val_u32(keys, "llama.attention.head_count", shape.heads);
    gguf_set_val_u32(keys, "llama.attention.head_count_kv", shape.kv_heads);
    gguf_set_val_f32(keys, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    if (shape.head_size * shape.heads != shape.width) {
        gguf_set_val_u32(keys, "llama.attention.key_length", shape.head_size);
        gguf_set_val_u32(keys, "llama.attention.value_length", shape.head_size);
    }
}

void add_rope(gguf_context * keys, const RopeKeys & rope) {
    const auto number = [&](const char * key, const std::optional<float> & value) {
        if (value) {
            gguf_set_val_f32(keys, key, *value);
        }
    };
    if (rope.type) {
        gguf_set_val_str(keys, "llama.rope.scaling.type", rope.type->c_str());
    }
    if (rope.original_context) {
        gguf_set_val_u32(keys, "llama.rope.scaling.original_context_length", *rope.original_context);
    }
    number("llama.rope.freq_base", rope.freq_base);
    number("llama.rope.scaling.factor", rope.factor);
    number("llama.rope.scale_linear", rope.scale_linear);
    number("llama.rope.scaling.attn_factor", rope.attention_factor);
}

void add_layer(GgufBuilder & builder, const RandomShape & shape, const std::string & prefix) {
    const std::int64_t width = shape.width;
    const std::int64_t inner = shape.feed_forward;
    const std::int64_t q = std::int64_t{shape.heads} * shape.head_size;
    const std::int64_t kv = std::int64_t{shape.kv_heads} * shape.head_size;
    const auto linear = [&](const std::string & name, std::int64_t in, std::int64_t out, float gain) {
        builder.matrix(prefix + name + ".weight", in, out, gain);
        if (shape.biases) {
            builder.tensor(prefix + name + ".bias", {out}, 0.3F);
        }
    };
    builder.tensor(prefix + "attn_norm.weight", {width}, 0.1F, 1);
    linear("attn_q", width, q, 1.5F);
    linear("attn_k", width, kv, 1.5F);
    linear("attn_v", width, kv, 1);
    linear("attn_output", q, width, 1);
    builder.tensor(prefix + "ffn_norm.weight", {width}, 0.1F, 1);
    linear("ffn_gate", width, inner, 1.5F);
    linear("ffn_up", width, inner, 1);
    linear("ffn_down", inner, width, 1);
}

/// Factors that leave high frequencies alone and divide low ones by 8, as Llama 3.1's files do.
float llama3_factor(std::size_t index, std::uint32_t count) {
    const float place = static_cast<float>(index) / static_cast<float>(count);
    return place < 0.4F ? 1.0F : place > 0.7F ? 8.0F : 1.0F + 7.0F * (place - 0.4F) / 0.3F;
}

}  // namespace

TemporaryPath random_model(const RandomShape & shape, std::uint32_t seed) {
    GgufBuilder builder(seed);
    add_shape(builder.keys(), shape);
    add_rope(builder.keys(), shape.rope);
    add_vocabulary(builder.keys(), shape.vocabulary);
    builder.tensor("token_embd.weight", {shape.width, shape.vocabulary}, 1);
    builder.tensor("output_norm.weight", {shape.width}, 0.1F, 1);
    if (!shape.tied) {
        builder.matrix("output.weight", shape.width, shape.vocabulary, 1);
    }
    if (shape.rope.llama3_factors) {
        const std::uint32_t count = shape.head_size / 2;
        builder.fill("rope_freqs.weight", {count}, [&](std::size_t index) { return llama3_factor(index, count); });
    }
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        add_layer(builder, shape, fmt::format("blk.{}.", layer));
    }
    TemporaryPath path(".gguf");
    builder.write(path.get());
    return path;
}

std::vector<Token> random_tokens(const RandomShape & shape, std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<Token> token(kControlTokens, static_cast<Token>(shape.vocabulary) - 1);
    std::vector<Token> tokens(count);
    for (Token & value : tokens) {
        value = token(random);
    }
    return tokens;
}

}  // namespace snapkv::test
