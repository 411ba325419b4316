#include "synthetic/vocabulary.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/raise.h"
#include "gguf/file.h"

namespace snapkv::synthetic {
namespace {

// LLAMA_TOKEN_TYPE_*
constexpr std::int32_t normal = 1;
constexpr std::int32_t unknown = 2;
constexpr std::int32_t control = 3;
constexpr std::int32_t byte = 6;

constexpr const char * chat_template =
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";

/// Keys that belong to a vocabulary; `general.name` does not, but see gguf::check_vocabulary.
bool of_vocabulary(std::string_view key) {
    return key.starts_with("tokenizer.");
}

}  // namespace

void add_byte_vocabulary(gguf_context * file, std::uint32_t size) {
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types{unknown, control, control};
    for (unsigned value = 0; value < 256; ++value) {
        tokens.push_back(fmt::format("<0x{:02X}>", value));
        types.push_back(byte);
    }
    assert(size >= tokens.size());
    while (tokens.size() < size) {
        tokens.push_back(fmt::format("word{}", tokens.size()));
        types.push_back(normal);
    }
    std::vector<const char *> texts(tokens.size());
    std::transform(tokens.begin(), tokens.end(), texts.begin(), [](const std::string & text) { return text.c_str(); });
    const std::vector<float> scores(tokens.size(), 0.0F);
    gguf_set_val_str(file, "tokenizer.ggml.model", "llama");
    gguf_set_val_str(file, "tokenizer.ggml.pre", "default");
    gguf_set_arr_str(file, "tokenizer.ggml.tokens", texts.data(), texts.size());
    gguf_set_arr_data(file, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    gguf_set_val_u32(file, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(file, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(file, "tokenizer.ggml.eos_token_id", 2);
    gguf_set_val_str(file, "tokenizer.chat_template", chat_template);
}

std::uint32_t copy_vocabulary(gguf_context * file, const std::filesystem::path & source) {
    const gguf::File checked = gguf::File::open(source);  // ggml's own reader trusts what it reads
    gguf::check_vocabulary(checked);
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> read(
        gguf_init_from_file(source.c_str(), {.no_alloc = true, .ctx = nullptr}), gguf_free);
    if (!read) {
        raise_input("{}: ggml does not read it", source.string());
    }
    std::vector<std::string> others;
    for (std::int64_t key = 0; key < gguf_get_n_kv(read.get()); ++key) {
        const char * name = gguf_get_key(read.get(), key);
        if (!of_vocabulary(name)) {
            others.emplace_back(name);
        }
    }
    for (const std::string & name : others) {
        gguf_remove_key(read.get(), name.c_str());
    }
    gguf_set_kv(file, read.get());
    return static_cast<std::uint32_t>(checked.array_length("tokenizer.ggml.tokens").value_or(0));
}

}  // namespace snapkv::synthetic
