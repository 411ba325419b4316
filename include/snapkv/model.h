#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"

namespace snapkv {

using Token = std::int32_t;

/// RoPE settings that override the file's, as llama.cpp's flags of the same names do.
struct RopeOptions {
    enum class Scaling { None, Linear, Yarn };
    std::optional<Scaling> scaling;
    std::optional<float> scale;      ///< --rope-scale: the factor by which the context grows
    std::optional<float> freq_base;  ///< --rope-freq-base
    std::optional<std::uint32_t> yarn_orig_ctx;
    /// The context in which the model will run, where it is not the trained one: models with two sets of factors for
    /// their rotary frequencies (longrope) take that for longer contexts beyond their original one.
    std::optional<std::uint32_t> context;
};

struct ModelOptions {
    RopeOptions rope;
    /// Receives one line for each choice worth knowing (buffer types, RoPE in force), without a newline.
    std::function<void(std::string_view)> log;
};

/// A prompt as token ids, with the parts that truncation and the observation window need to know.
struct Prompt {
    std::vector<Token> tokens;
    std::size_t document_begin = 0;  ///< first token that lies wholly within the document
    std::size_t document_end = 0;    ///< one past the last such token
    std::size_t question_begin = 0;  ///< the token that holds the question's first byte; tokens.size() without one
    [[nodiscard]] bool has_question() const { return question_begin < tokens.size(); }
};

/// How one layer attends.
struct LayerAttention {
    std::uint32_t window = 0;  ///< tokens that a query sees, its own among them; 0: all before it
    bool rotates = true;       ///< queries and keys know their positions
    bool recurs = false;       ///< it does not attend but keeps a state of fixed size

    friend bool operator==(const LayerAttention &, const LayerAttention &) = default;
};

/// What a model file says about itself.
struct ModelInfo {
    std::string name;
    std::string architecture;
    std::string quantisation;  ///< the type that holds most of the weights, for instance "Q4_1"
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;      ///< elements of a key row of one head
    std::uint32_t value_size = 0;    ///< elements of a value row of one head
    std::uint32_t width = 0;         ///< elements of a hidden state
    std::uint32_t feed_forward = 0;  ///< 0: the file has none beside its experts'
    std::uint32_t vocabulary = 0;
    std::uint32_t trained_context = 0;
    std::uint64_t parameters = 0;
    std::uint64_t weight_bytes = 0;
    std::string rope;                       ///< the RoPE settings in force, in words
    std::vector<LayerAttention> attention;  ///< one a layer
    std::uint32_t experts = 0;              ///< networks that a layer chooses from; 0: it has one for all tokens
    std::uint32_t experts_used = 0;         ///< of these for a token
    std::uint32_t attending_layers = 0;     ///< those with keys and values
    bool values_in_keys = false;            ///< a value is the beginning of its key and takes no memory
    std::uint64_t state_bytes = 0;          ///< of one sequence in the layers that recur, however long it is
    bool has_chat_template = false;

    /// K/V bytes of one token over all layers and KV heads.
    [[nodiscard]] std::uint64_t cache_bytes_per_token(KvTypes type) const {
        const std::size_t value_bytes = values_in_keys ? 0 : kv_row_bytes(type.value, value_size);
        return std::uint64_t{attending_layers} * kv_heads * (kv_row_bytes(type.key, key_size) + value_bytes);
    }
};

/// A GGUF model, mapped and ready. Cheap to copy: copies share the weights. All members may be called from several
/// threads at once.
class SNAPKV_API Model {
public:
    /// Throws Error: Input for a file that is not a usable model (naming the key or tensor), Machine for memory.
    static Model load(const std::filesystem::path & path, const ModelOptions & options = {});

    [[nodiscard]] const ModelInfo & info() const;

    /// SHA-256, in hexadecimal, of the file's header, tensor table and size and of the edges of each tensor: tells
    /// models apart without reading them whole. Computed at each call.
    [[nodiscard]] std::string hash() const;

    /// One user message of `document`, `between` and `question` in the file's own chat template. Text inside any of
    /// them never becomes a control token. An empty question means none. Throws Error(Input) without a template and
    /// for an empty message.
    [[nodiscard]] Prompt chat_prompt(std::string_view document, std::string_view question = {},
                                     std::string_view between = "\n\n") const;

    /// Document and question, byte after byte, with only what the tokenizer itself adds.
    [[nodiscard]] Prompt raw_prompt(std::string_view document, std::string_view question = {}) const;

    /// Text to ids; `add_special` adds what the tokenizer adds at a beginning, `parse_special` lets text become
    /// control tokens.
    [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool add_special, bool parse_special) const;

    /// The bytes of one token; control tokens give nothing. May be part of a UTF-8 sequence.
    [[nodiscard]] std::string piece(Token token) const;

    struct Impl;
    [[nodiscard]] const std::shared_ptr<const Impl> & impl() const { return impl_; }

private:
    explicit Model(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> impl_;
};

/// Drops `count` document tokens from the middle of each prompt, the same ones from all of them. All prompts must
/// begin with the same document. Throws Error(Input) where the document has fewer tokens.
SNAPKV_API void truncate_middle(std::vector<Prompt> & prompts, std::size_t count);

}  // namespace snapkv
