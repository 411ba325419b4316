#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/raise.h"
#include "gguf/file.h"
#include "gguf/in_quotes.h"
#include "gguf/pre_tokenizers.h"
#include "gguf/vocabulary_tokens.h"

namespace snapkv::gguf {
namespace {

/// A key that libllama reads when it loads a vocabulary, and the only kind it takes without throwing or aborting.
struct Kind {
    std::string_view key;
    std::string_view kind;
    bool required = false;
};

constexpr Kind kinds[] = {
    {"general.architecture", "str", true},
    {"general.file_type", "u32"},
    {"general.name", "str"},
    {"tokenizer.chat_template", "str"},
    {"tokenizer.ggml.add_bos_token", "bool"},
    {"tokenizer.ggml.add_eos_token", "bool"},
    {"tokenizer.ggml.add_sep_token", "bool"},
    {"tokenizer.ggml.add_space_prefix", "bool"},
    {"tokenizer.ggml.merges", "arr[str]"},
    {"tokenizer.ggml.model", "str", true},
    {"tokenizer.ggml.normalizer.lowercase", "bool"},
    {"tokenizer.ggml.normalizer.strip_accents", "bool"},
    {"tokenizer.ggml.pre", "str"},
    {"tokenizer.ggml.remove_extra_whitespaces", "bool"},
    {"tokenizer.ggml.suppress_tokens", "arr[i32]"},
    {"tokenizer.ggml.token_type", "arr[i32]"},
    {"tokenizer.ggml.token_type_count", "u32"},
    {"tokenizer.ggml.tokens", "arr[str]", true},
};

constexpr std::string_view bos_key = "tokenizer.ggml.bos_token_id";
constexpr std::string_view eos_key = "tokenizer.ggml.eos_token_id";

// The odd spelling of the separator is the format's own.
constexpr std::string_view id_keys[] = {
    bos_key,
    eos_key,
    "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.fim_mid_token_id",
    "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_pre_token_id",
    "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
    "tokenizer.ggml.fim_suf_token_id",
    "tokenizer.ggml.mask_token_id",
    "tokenizer.ggml.middle_token_id",
    "tokenizer.ggml.padding_token_id",
    "tokenizer.ggml.prefix_token_id",
    "tokenizer.ggml.seperator_token_id",
    "tokenizer.ggml.suffix_token_id",
    "tokenizer.ggml.unknown_token_id",
};

void check_kind(const File & file, std::string_view key, std::string_view expected, bool required = false) {
    const std::string found = file.kind(key);
    if (found.empty() && required) {
        raise_input("{}: key '{}' is missing, expected {}", file.path().string(), key, expected);
    }
    if (!found.empty() && found != expected) {
        raise_input("{}: key '{}' is {}, expected {}", file.path().string(), key, found, expected);
    }
}

void check_kinds(const File & file) {
    for (const Kind & entry : kinds) {
        check_kind(file, entry.key, entry.kind, entry.required);
    }
    if (file.kind("tokenizer.ggml.scores") != "arr[i32]") {
        check_kind(file, "tokenizer.ggml.scores", "arr[f32]");
    }
}

void check_ids(const File & file, std::size_t tokens) {
    for (const std::string_view key : id_keys) {
        check_kind(file, key, "u32");
        const std::optional<std::uint32_t> id = file.find_u32(key);
        if (id && *id >= tokens) {
            raise_input("{}: key '{}' is {}, expected an id below {}, the number of tokens", file.path().string(), key,
                        *id, tokens);
        }
    }
}

/// What libllama does where the file is silent.
struct Defaults {
    std::optional<std::uint32_t> bos;
    std::optional<std::uint32_t> eos;
    PreTokenizer::Bos adds_bos = PreTokenizer::Bos::Off;
};

void check_added(const File & file, std::string_view add_key, bool adds, std::string_view id_key,
                 std::optional<std::uint32_t> default_id, std::size_t tokens) {
    if (adds && !file.has(id_key) && (!default_id || *default_id >= tokens)) {
        raise_input("{}: key '{}' is missing, expected the token that '{}' adds to every text", file.path().string(),
                    id_key, add_key);
    }
}

void check_added_tokens(const File & file, const Defaults & defaults, std::size_t tokens) {
    constexpr std::string_view add_bos = "tokenizer.ggml.add_bos_token";
    constexpr std::string_view add_eos = "tokenizer.ggml.add_eos_token";
    const bool bos = defaults.adds_bos == PreTokenizer::Bos::Always ||
                     file.find_bool(add_bos).value_or(defaults.adds_bos == PreTokenizer::Bos::On);
    check_added(file, add_bos, bos, bos_key, defaults.bos, tokens);
    check_added(file, add_eos, file.find_bool(add_eos).value_or(false), eos_key, defaults.eos, tokens);
}

Defaults check_bpe(const File & file, const std::vector<std::string> & tokens) {
    const std::string name = file.find_string("tokenizer.ggml.pre").value_or("");
    const PreTokenizer * pre = find_pre_tokenizer(name);
    if (pre == nullptr) {
        raise_input("{}: key 'tokenizer.ggml.pre' names the pre-tokenizer {}, which is not supported",
                    file.path().string(), in_quotes(name));
    }
    check_kind(file, "tokenizer.ggml.merges", "arr[str]", pre->needs_merges);
    check_merges(file);
    check_byte_tokens(file, tokens, false);
    check_decoded_size(file, tokens);
    constexpr std::uint32_t id = 11;
    return {pre->default_bos ? std::optional(id) : std::nullopt, id, pre->adds_bos};
}

Defaults check_spm(const File & file, const std::vector<std::string> & tokens) {
    check_byte_tokens(file, tokens, true);
    return {1, 2, PreTokenizer::Bos::On};
}

/// libllama gives these tokens a special treatment in every model with such a name, and throws where one is missing.
void check_named_phi3(const File & file, const std::vector<std::string> & tokens) {
    std::string name = file.find_string("general.name").value_or("");
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) {
        return;
    }
    for (const std::string_view token : {"</s>", "<unk>", "<s>", "<|endoftext|>"}) {
        if (std::ranges::find(tokens, token) == tokens.end()) {
            raise_input("{}: key 'tokenizer.ggml.tokens' has no token '{}', expected one in a model named Phi-3",
                        file.path().string(), token);
        }
    }
}

}  // namespace

void check_vocabulary(const File & file) {
    check_kinds(file);
    const std::string model = file.get_string("tokenizer.ggml.model");
    if (model != "llama" && model != "gpt2") {
        raise_input("{}: key 'tokenizer.ggml.model' names the tokenizer {}, expected 'llama' or 'gpt2'",
                    file.path().string(), in_quotes(model));
    }
    const std::vector<std::string> tokens = checked_tokens(file);
    check_ids(file, tokens.size());
    const Defaults defaults = model == "gpt2" ? check_bpe(file, tokens) : check_spm(file, tokens);
    check_added_tokens(file, defaults, tokens.size());
    check_named_phi3(file, tokens);
}

}  // namespace snapkv::gguf
