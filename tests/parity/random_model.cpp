#include "parity/random_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>

#include "ggml.h"

namespace snapkv::test {

namespace {

constexpr std::uint32_t kControlTokens = 3;

struct Free {
    void operator()(gguf_context * file) const { gguf_free(file); }
    void operator()(ggml_context * tensors) const { ggml_free(tensors); }
};

/// Collects random tensors and writes them with the keys.
class Builder {
public:
    explicit Builder(std::uint32_t seed)
        : file_(gguf_init_empty()), tensors_(ggml_init({std::size_t{64} << 20U, nullptr, false})), random_(seed) {}

    [[nodiscard]] gguf_context * keys() { return file_.get(); }

    /// Normal values around `mean`.
    void tensor(const std::string & name, const std::vector<std::int64_t> & shape, float deviation, float mean = 0) {
        std::normal_distribution<float> value(mean, deviation);
        fill(name, shape, [&](std::size_t) { return value(random_); });
    }
    /// A matrix whose products have about `gain` times the size of what they multiply.
    void matrix(const std::string & name, std::int64_t in, std::int64_t out, float gain) {
        tensor(name, {in, out}, gain / std::sqrt(static_cast<float>(in)));
    }
    void fill(const std::string & name, const std::vector<std::int64_t> & shape,
              const std::function<float(std::size_t)> & value) {
        ggml_tensor * tensor =
            ggml_new_tensor(tensors_.get(), GGML_TYPE_F32, static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, name.c_str());
        auto * data = static_cast<float *>(tensor->data);
        for (std::size_t index = 0; index < static_cast<std::size_t>(ggml_nelements(tensor)); ++index) {
            data[index] = value(index);
        }
        gguf_add_tensor(file_.get(), tensor);
    }
    void write(const std::filesystem::path & path) const {
        if (!gguf_write_to_file(file_.get(), path.c_str(), false)) {
            throw std::runtime_error("cannot write " + path.string());
        }
    }

private:
    std::unique_ptr<gguf_context, Free> file_;
    std::unique_ptr<ggml_context, Free> tensors_;
    std::mt19937 random_;
};

void add_vocabulary(gguf_context * keys, std::uint32_t size) {
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types{2, 3, 3};
    for (unsigned byte = 0; byte < 256; ++byte) {
        tokens.push_back(fmt::format("<0x{:02X}>", byte));
        types.push_back(6);
    }
    while (tokens.size() < size) {
        tokens.push_back(fmt::format("word{}", tokens.size()));
        types.push_back(1);
    }
    std::vector<const char *> texts(tokens.size());
    std::transform(tokens.begin(), tokens.end(), texts.begin(),
                   [](const std::string & token) { return token.c_str(); });
    const std::vector<float> scores(tokens.size(), 0.0F);
    gguf_set_val_str(keys, "tokenizer.ggml.model", "llama");
    gguf_set_val_str(keys, "tokenizer.ggml.pre", "default");
    gguf_set_arr_str(keys, "tokenizer.ggml.tokens", texts.data(), texts.size());
    gguf_set_arr_data(keys, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(keys, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    gguf_set_val_u32(keys, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(keys, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(keys, "tokenizer.ggml.eos_token_id", 2);
}

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

void add_layer(Builder & builder, const RandomShape & shape, const std::string & prefix) {
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
    Builder builder(seed);
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
