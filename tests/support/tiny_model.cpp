#include "support/tiny_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include "gguf/tiny_vocabulary.h"
#include "support/random.h"

namespace snapkv::test {
namespace {

constexpr std::int32_t kControl = 3;
constexpr std::uint32_t kPlainTokens = 263;  ///< bytes and merges; control tokens follow

constexpr const char * kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const TinyVocabulary & vocabulary_of_all() {
    static const TinyVocabulary vocabulary = [] {
        TinyVocabulary made = TinyVocabulary::bpe();
        made.add("<|im_end|>", kControl);
        return made;
    }();
    return vocabulary;
}

void set_strings(gguf_context * file, const char * key, const std::vector<std::string> & strings) {
    std::vector<const char *> pointers;
    for (const std::string & string : strings) {
        pointers.push_back(string.c_str());
    }
    gguf_set_arr_str(file, key, pointers.data(), pointers.size());
}

std::uint32_t id_of(const TinyVocabulary & vocabulary, const char * token) {
    const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), token);
    return static_cast<std::uint32_t>(found - vocabulary.tokens.begin());
}

void set_vocabulary(gguf_context * file, bool adds_bos) {
    const TinyVocabulary & vocabulary = vocabulary_of_all();
    gguf_set_val_str(file, "tokenizer.ggml.model", vocabulary.model.c_str());
    gguf_set_val_str(file, "tokenizer.ggml.pre", vocabulary.pre.c_str());
    set_strings(file, "tokenizer.ggml.tokens", vocabulary.tokens);
    set_strings(file, "tokenizer.ggml.merges", vocabulary.merges);
    gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, vocabulary.types.data(),
                      vocabulary.types.size());
    gguf_set_val_u32(file, "tokenizer.ggml.bos_token_id", id_of(vocabulary, "<|endoftext|>"));
    gguf_set_val_u32(file, "tokenizer.ggml.eos_token_id", id_of(vocabulary, "<|im_end|>"));
    gguf_set_val_bool(file, "tokenizer.ggml.add_bos_token", adds_bos);
    gguf_set_val_str(file, "tokenizer.chat_template", kChatTemplate);
}

void round_to(ggml_type type, std::vector<float> & values) {
    if (type == GGML_TYPE_F16) {
        for (float & value : values) {
            value = ggml_fp16_to_fp32(ggml_fp32_to_fp16(value));
        }
    }
}

/// Makes the tensors of one model, in a fixed order.
class Maker {
public:
    explicit Maker(TinyModel & model) : model_(model), random_(model.shape.seed) {}

    void matrix(const std::string & name, std::uint32_t in, std::uint32_t out, float scale) {
        TinyTensor tensor{{in, out}, model_.shape.type, {}};
        tensor.values = random_.numbers(std::size_t{in} * out, 0, scale);
        round_to(tensor.type, tensor.values);
        model_.tensors[name] = std::move(tensor);
    }
    void vector(const std::string & name, std::uint32_t size, float mean, float scale) {
        model_.tensors[name] = {{size}, GGML_TYPE_F32, random_.numbers(size, mean, scale)};
    }
    /// A product whose output varies with `gain` where its input varies with 1.
    void linear(const std::string & name, std::uint32_t in, std::uint32_t out, float gain) {
        matrix(name + ".weight", in, out, gain / std::sqrt(static_cast<float>(in)));
        if (model_.shape.biases) {
            vector(name + ".bias", out, 0, 0.1F);
        }
    }
    void layer(const std::string & prefix) {
        const TinyShape & shape = model_.shape;
        vector(prefix + "attn_norm.weight", shape.width, 1, 0.1F);
        linear(prefix + "attn_q", shape.width, shape.heads * shape.key_size, shape.sharpness);
        linear(prefix + "attn_k", shape.width, shape.kv_heads * shape.key_size, shape.sharpness);
        linear(prefix + "attn_v", shape.width, shape.kv_heads * shape.value_size, 1);
        linear(prefix + "attn_output", shape.heads * shape.value_size, shape.width, 1);
        vector(prefix + "ffn_norm.weight", shape.width, 1, 0.1F);
        linear(prefix + "ffn_gate", shape.width, shape.feed_forward, 1);
        linear(prefix + "ffn_up", shape.width, shape.feed_forward, 1);
        linear(prefix + "ffn_down", shape.feed_forward, shape.width, 1);
    }

private:
    TinyModel & model_;
    Random random_;
};

/// Control tokens are never the likeliest, so that a generation lasts as long as it is asked to.
void silence_control_tokens(TinyTensor & output) {
    const auto width = static_cast<std::ptrdiff_t>(output.shape[0]);
    std::fill(output.values.begin() + kPlainTokens * width, output.values.end(), 0.0F);
}

}  // namespace

TinyModel::TinyModel(const TinyShape & asked)
    : shape(asked), vocabulary(static_cast<std::uint32_t>(vocabulary_of_all().tokens.size())) {
    Maker maker(*this);
    maker.matrix("token_embd.weight", shape.width, vocabulary, 1);
    maker.vector("output_norm.weight", shape.width, 1, 0.1F);
    if (!shape.tied) {
        maker.matrix("output.weight", shape.width, vocabulary, 2 / std::sqrt(static_cast<float>(shape.width)));
        silence_control_tokens(tensors["output.weight"]);
    }
    if (shape.rope_factors) {
        maker.vector("rope_freqs.weight", shape.key_size / 2, 2, 0.3F);
    }
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        maker.layer("blk." + std::to_string(layer) + ".");
    }
}

void TinyModel::set_keys(gguf_context * file) const {
    gguf_set_val_str(file, "general.architecture", "llama");
    gguf_set_val_str(file, "general.name", "tiny");
    gguf_set_val_u32(file, "llama.block_count", shape.layers);
    gguf_set_val_u32(file, "llama.context_length", shape.context);
    gguf_set_val_u32(file, "llama.embedding_length", shape.width);
    gguf_set_val_u32(file, "llama.feed_forward_length", shape.feed_forward);
    gguf_set_val_u32(file, "llama.attention.head_count", shape.heads);
    gguf_set_val_u32(file, "llama.attention.head_count_kv", shape.kv_heads);
    gguf_set_val_u32(file, "llama.attention.key_length", shape.key_size);
    gguf_set_val_u32(file, "llama.attention.value_length", shape.value_size);
    gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    gguf_set_val_u32(file, "llama.rope.dimension_count", shape.key_size);
    gguf_set_val_f32(file, "llama.rope.freq_base", shape.rope_base);
    gguf_set_val_u32(file, "llama.vocab_size", vocabulary);
    if (shape.rope_scaling) {
        gguf_set_val_str(file, "llama.rope.scaling.type", shape.rope_scaling->c_str());
        gguf_set_val_f32(file, "llama.rope.scaling.factor", shape.rope_factor);
    }
    set_vocabulary(file, shape.adds_bos);
    if (change_keys) {
        change_keys(file);
    }
}

void TinyModel::write(const std::filesystem::path & path) const {
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(gguf_init_empty(), gguf_free);
    set_keys(file.get());
    const ggml_init_params params{(tensors.size() + 1) * ggml_tensor_overhead(), nullptr, true};
    const std::unique_ptr<ggml_context, decltype(&ggml_free)> ctx(ggml_init(params), ggml_free);
    std::vector<std::vector<std::byte>> stored;
    stored.reserve(tensors.size());
    for (const auto & [name, tensor] : tensors) {
        ggml_tensor * entry =
            ggml_new_tensor(ctx.get(), tensor.type, static_cast<int>(tensor.shape.size()), tensor.shape.data());
        ggml_set_name(entry, name.c_str());
        std::vector<std::byte> & bytes = stored.emplace_back(ggml_nbytes(entry));
        if (tensor.type == GGML_TYPE_F16) {
            ggml_fp32_to_fp16_row(tensor.values.data(), reinterpret_cast<ggml_fp16_t *>(bytes.data()),
                                  static_cast<std::int64_t>(tensor.values.size()));
        } else {
            std::memcpy(bytes.data(), tensor.values.data(), std::min(bytes.size(), tensor.values.size() * 4));
        }
        entry->data = bytes.data();
        gguf_add_tensor(file.get(), entry);
    }
    if (!gguf_write_to_file(file.get(), path.c_str(), false)) {
        throw std::runtime_error("a tiny model could not be written to " + path.string());
    }
}

TinyModelFile::TinyModelFile(const TinyModel & model) {
    model.write(path_);
}

}  // namespace snapkv::test
