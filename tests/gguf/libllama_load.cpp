#include "gguf/libllama_load.h"

#include <array>
#include <memory>
#include <string_view>

#include "llama.h"

namespace snapkv::test {
namespace {

struct Free {
    void operator()(llama_model * model) const { llama_model_free(model); }
};

void tokenize(const llama_vocab * vocabulary, std::string_view text, bool special) {
    std::array<llama_token, 512> tokens{};
    llama_tokenize(vocabulary, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                   static_cast<std::int32_t>(tokens.size()), special, special);
}

}  // namespace

bool loads_in_libllama(const std::filesystem::path & path) {
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const std::unique_ptr<llama_model, Free> model(llama_model_load_from_file(path.c_str(), params));
    if (!model) {
        return false;
    }
    const llama_vocab * vocabulary = llama_model_get_vocab(model.get());
    for (const bool special : {false, true}) {
        tokenize(vocabulary, "hello  world\n\t<s>1234 it's \u00e4\u20ac\U0001F600 <|endoftext|>.", special);
    }
    std::array<char, 64> piece{};
    for (llama_token token = 0; token < llama_vocab_n_tokens(vocabulary); ++token) {
        llama_token_to_piece(vocabulary, token, piece.data(), static_cast<std::int32_t>(piece.size()), 0, true);
    }
    return true;
}

}  // namespace snapkv::test
