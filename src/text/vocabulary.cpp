#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "base/raise.h"
#include "llama.h"
#include "text/plain_text.h"

namespace snapkv::text {
namespace {

/// The first error that libllama logged on this thread since it was last cleared: the reason it gives for a refusal.
std::string & first_error() {
    thread_local std::string text;
    return text;
}

void keep_first_error(ggml_log_level level, const char * text, void * /*user*/) {
    if (level == GGML_LOG_LEVEL_ERROR && first_error().empty()) {
        first_error() = text;
    }
}

void start_llama_once() {
    static const bool started = [] {
        llama_log_set(keep_first_error, nullptr);
        llama_backend_init();
        return true;
    }();
    static_cast<void>(started);
}

/// libllama's reason as one line, without the name of the function that gave it.
std::string reason_for_refusal() {
    std::string_view text = first_error();
    text = text.substr(0, text.find('\n'));
    if (const std::size_t colon = text.find(": "); colon != std::string_view::npos) {
        text.remove_prefix(colon + 2);
    }
    return text.empty() ? "no reason given" : std::string(text);
}

/// gpt-oss builds its turns of these. libllama makes them user-defined, so that they are printed; it finds such tokens
/// in any text, and a message could forge turns.
bool is_harmony_marker(const llama_vocab * vocab, Token token) {
    constexpr std::array<std::string_view, 5> markers{"<|start|>", "<|end|>", "<|message|>", "<|channel|>",
                                                      "<|constrain|>"};
    return (llama_vocab_get_attr(vocab, token) & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0 &&
           std::find(markers.begin(), markers.end(), llama_vocab_get_text(vocab, token)) != markers.end();
}

std::vector<Token> call_tokenizer(const llama_vocab * vocab, std::string_view text, bool add_special,
                                  bool parse_special) {
    // Room for one token a byte is enough save for odd vocabularies; then libllama says how much it needs.
    constexpr std::size_t extra = 16;
    if (text.size() > std::numeric_limits<std::int32_t>::max() - extra) {
        raise_input("a text of {} bytes is too long to tokenise: expected fewer than 2 GiB", text.size());
    }
    const auto bytes = static_cast<std::int32_t>(text.size());
    std::vector<Token> tokens(text.size() + extra);
    const auto run = [&] {
        return llama_tokenize(vocab, text.data(), bytes, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                              add_special, parse_special);
    };
    std::int32_t count = run();
    if (count < 0) {
        tokens.resize(static_cast<std::size_t>(-static_cast<std::int64_t>(count)));
        count = run();
    }
    assert(count >= 0);
    tokens.resize(static_cast<std::size_t>(count));
    tokens.shrink_to_fit();
    return tokens;
}

}  // namespace

void Vocabulary::Free::operator()(llama_model * model) const {
    llama_model_free(model);
}

Vocabulary Vocabulary::load(const std::filesystem::path & path) {
    start_llama_once();
    first_error().clear();
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    params.n_gpu_layers = 0;
    Vocabulary vocabulary;
    vocabulary.model_.reset(llama_model_load_from_file(path.c_str(), params), Free{});
    if (!vocabulary.model_) {
        raise_input("{}: the tokenizer cannot be loaded: {}", path.string(), reason_for_refusal());
    }
    return vocabulary;
}

std::vector<Token> Vocabulary::tokenize(std::string_view text, bool add_special, bool parse_special) const {
    std::vector<Token> tokens = call_tokenizer(raw(), text, add_special, parse_special);
    if (parse_special) {
        return tokens;
    }
    // Merging plain pieces can end in a control token's text, which libllama then takes for the token.
    const bool bos = add_special && adds_bos();
    const bool eos = add_special && llama_vocab_get_add_eos(raw());
    std::size_t i = bos ? 1 : 0;
    for (std::size_t behind = eos ? 1 : 0; i + behind < tokens.size();) {
        i += is_control(tokens[i]) ? spell_out(*this, tokens, i) : 1;
    }
    return tokens;
}

std::string Vocabulary::piece(Token token, bool special) const {
    assert(token >= 0 && token < size());
    std::string bytes(32, '\0');
    const auto run = [&] {
        return llama_token_to_piece(raw(), token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, special);
    };
    std::int32_t count = run();
    if (count < 0) {
        bytes.resize(static_cast<std::size_t>(-count));
        count = run();
    }
    assert(count >= 0);
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
}

bool Vocabulary::is_end_of_generation(Token token) const {
    return llama_vocab_is_eog(raw(), token);
}

bool Vocabulary::is_control(Token token) const {
    return llama_vocab_is_control(raw(), token) || is_harmony_marker(raw(), token);
}

bool Vocabulary::adds_bos() const {
    return llama_vocab_get_add_bos(raw());
}

std::int32_t Vocabulary::size() const {
    return llama_vocab_n_tokens(raw());
}

const llama_vocab * Vocabulary::raw() const {
    return llama_model_get_vocab(model_.get());
}

const llama_model * Vocabulary::model() const {
    return model_.get();
}

}  // namespace snapkv::text
