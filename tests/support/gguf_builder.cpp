#include "support/gguf_builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace snapkv::test {

namespace {

constexpr std::uint32_t kControlTokensAndBytes = 259;

void set_strings(gguf_context * keys, const char * key, const std::vector<std::string> & strings) {
    std::vector<const char *> texts(strings.size());
    std::transform(strings.begin(), strings.end(), texts.begin(),
                   [](const std::string & each) { return each.c_str(); });
    gguf_set_arr_str(keys, key, texts.data(), texts.size());
}

void add_letters(gguf_context * keys, std::uint32_t size) {
    std::vector<std::string> tokens{"ab"};
    for (char letter = 'a'; tokens.size() < size; ++letter) {
        tokens.emplace_back(1, letter);
    }
    gguf_set_val_str(keys, "tokenizer.ggml.model", "gpt2");
    gguf_set_val_str(keys, "tokenizer.ggml.pre", "gpt-2");
    set_strings(keys, "tokenizer.ggml.tokens", tokens);
    set_strings(keys, "tokenizer.ggml.merges", {"a b"});
}

}  // namespace

GgufBuilder::GgufBuilder(std::uint32_t seed)
    : file_(gguf_init_empty()), tensors_(ggml_init({std::size_t{64} << 20U, nullptr, false})), random_(seed) {}

void GgufBuilder::tensor(const std::string & name, const std::vector<std::int64_t> & shape, float deviation,
                         float mean) {
    std::normal_distribution<float> value(mean, deviation);
    fill(name, shape, [&](std::size_t) { return value(random_); });
}

void GgufBuilder::matrix(const std::string & name, std::int64_t in, std::int64_t out, float gain, std::int64_t count) {
    const float deviation = gain / std::sqrt(static_cast<float>(in));
    tensor(name, count == 1 ? std::vector<std::int64_t>{in, out} : std::vector<std::int64_t>{in, out, count},
           deviation);
}

void GgufBuilder::fill(const std::string & name, std::vector<std::int64_t> shape,
                       const std::function<float(std::size_t)> & value) {
    if (spoil && !spoil(name, shape)) {
        return;
    }
    ggml_tensor * tensor = ggml_new_tensor(tensors_.get(), GGML_TYPE_F32, static_cast<int>(shape.size()), shape.data());
    ggml_set_name(tensor, name.c_str());
    auto * data = static_cast<float *>(tensor->data);
    for (std::size_t index = 0; index < static_cast<std::size_t>(ggml_nelements(tensor)); ++index) {
        data[index] = value(index);
    }
    gguf_add_tensor(file_.get(), tensor);
}

void GgufBuilder::write(const std::filesystem::path & path) const {
    if (!gguf_write_to_file(file_.get(), path.c_str(), false)) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

void add_vocabulary(gguf_context * keys, std::uint32_t size) {
    if (size < kControlTokensAndBytes) {
        add_letters(keys, size);
        return;
    }
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
    const std::vector<float> scores(tokens.size(), 0.0F);
    gguf_set_val_str(keys, "tokenizer.ggml.model", "llama");
    gguf_set_val_str(keys, "tokenizer.ggml.pre", "default");
    set_strings(keys, "tokenizer.ggml.tokens", tokens);
    gguf_set_arr_data(keys, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(keys, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    gguf_set_val_u32(keys, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(keys, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(keys, "tokenizer.ggml.eos_token_id", 2);
}

}  // namespace snapkv::test
