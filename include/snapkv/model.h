#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/call_options.h"
#include "snapkv/chat.h"
#include "snapkv/export.h"

namespace snapkv {

using Token = std::int32_t;

/// RoPE settings that override the file's, like llama.cpp's flags of the same names.
struct RopeOptions {
    enum class Scaling { None, Linear, Yarn };
    std::optional<Scaling> scaling;
    std::optional<float> scale;      ///< --rope-scale: the factor by which the context grows
    std::optional<float> freq_base;  ///< --rope-freq-base
    std::optional<std::uint32_t> yarn_orig_ctx;
    /// The context the model will run with, if not the trained one: models with two sets of factors for their rotary
    /// frequencies (longrope) use the set for long contexts if this exceeds their original context.
    std::optional<std::uint32_t> context;
};

struct ModelOptions {
    RopeOptions rope = {};
    /// A Jinja template for conversations in place of the file's, or the name of one ("chatml"). Empty: the file's.
    std::string chat_template = {};
    /// Receives one line, without a newline, for each choice worth knowing (buffer types, RoPE in force). Called, like
    /// `warn`, on the thread that loads.
    std::function<void(std::string_view)> log = {};
    /// Receives one line, without a newline, for each thing that is probably wrong with the model.
    std::function<void(std::string_view)> warn = {};
    /// Polled while text is tokenized; once it is set, the call throws Error(Interrupted). A long text that cannot be
    /// tokenized in pieces then goes through a child process, which can be ended. May be null; must outlive the model.
    const std::atomic<bool> * stop = nullptr;
};

/// A prompt as token ids, with the boundaries that truncation and the observation window need.
struct Prompt {
    std::vector<Token> tokens;
    std::size_t document_begin = 0;  ///< first token wholly inside the document
    std::size_t document_end = 0;    ///< one past the last such token
    std::size_t question_begin = 0;  ///< the token with the question's first byte; tokens.size() if there is none
    [[nodiscard]] bool has_question() const { return question_begin < tokens.size(); }
};

struct PromptOptions {
    bool parse_special = false;  ///< for raw prompts: text such as "<|im_end|>" becomes a control token
    /// A prompt of more than a hundred times as many tokens is refused, with Error(Input), before all of it has been
    /// tokenized. 0: no limit.
    std::uint32_t context = 0;
};

/// How one layer attends.
struct LayerAttention {
    std::uint32_t window = 0;  ///< sliding window in tokens, the query's own included; 0: no limit
    bool rotates = true;       ///< RoPE is applied to queries and keys
    bool recurs = false;       ///< a recurrent layer: it does not attend but keeps a fixed-size state

    friend bool operator==(const LayerAttention &, const LayerAttention &) = default;
};

/// What a model file says about itself.
struct ModelInfo {
    std::string name;
    std::string architecture;
    std::string quantisation;  ///< the type of most of the weights, for instance "Q4_1"
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;      ///< head dimension of keys
    std::uint32_t value_size = 0;    ///< head dimension of values
    std::uint32_t width = 0;         ///< elements of a hidden state
    std::uint32_t feed_forward = 0;  ///< 0: only the experts have one
    std::uint32_t vocabulary = 0;
    std::uint32_t trained_context = 0;
    std::uint64_t parameters = 0;
    std::uint64_t weight_bytes = 0;
    std::string rope;                       ///< the RoPE settings in force, in words
    std::vector<LayerAttention> attention;  ///< one per layer
    std::uint32_t experts = 0;              ///< experts per layer; 0: the model is dense
    std::uint32_t experts_used = 0;         ///< experts used per token
    std::uint32_t attending_layers = 0;     ///< layers with keys and values
    bool values_in_keys = false;            ///< latent attention: a value is the start of its key and takes no memory
    std::uint64_t state_bytes = 0;          ///< recurrent state of one sequence, whatever its length
    std::optional<Token> text_begin;        ///< what tokenize() puts before a text if it is asked to; nothing: no token
    std::optional<Token> text_end;          ///< and what behind it
    /// Of conversations, in Jinja: the file's, or the one in its place. Empty: none. Whether it works shows when it is
    /// first used.
    std::string chat_template;

    /// K/V bytes of one token in all layers and KV heads.
    [[nodiscard]] std::uint64_t cache_bytes_per_token(KvTypes type) const {
        const std::size_t value_bytes = values_in_keys ? 0 : kv_row_bytes(type.value, value_size);
        return std::uint64_t{attending_layers} * kv_heads * (kv_row_bytes(type.key, key_size) + value_bytes);
    }
};

/// A GGUF model, mapped and ready to run. Cheap to copy: copies share the weights. All members are safe to call from
/// several threads at once. What is said of the stop flag holds for CallOptions too; progress on a long text counts
/// the bytes of the stretch that is tokenized.
class SNAPKV_API Model {
public:
    /// Progress counts bytes of weights that are ready. Throws Error: Input for a file that is not a usable model
    /// (naming the key or tensor), Machine for memory, Interrupted if the call is stopped.
    static Model load(const std::filesystem::path & path, const ModelOptions & options = {},
                      const CallOptions & call = {});

    [[nodiscard]] const ModelInfo & info() const;

    /// SHA-256, in hexadecimal, of the file's header, tensor table and size and of both ends of each tensor: tells
    /// models apart without reading them whole. Computed on the first call.
    [[nodiscard]] std::string hash() const;

    /// `document`, `between` and `question` as one user message in the chat template. None of their text
    /// ever becomes a control token. An empty question means none. The first call renders the template, in a child
    /// process with limits on time and memory. Throws Error(Input) if the file has no template that works, the message
    /// is empty, is not UTF-8 or exceeds a hundred times PromptOptions::context; Error(Machine) if no child process
    /// can be had; Error(Interrupted) once the stop flag is set.
    [[nodiscard]] Prompt chat_prompt(std::string_view document, std::string_view question = {},
                                     std::string_view between = "\n\n", const PromptOptions & options = {},
                                     const CallOptions & call = {}) const;

    /// A conversation in the chat template, up to the opening of the answer. Without marks the last message is the
    /// question, and what precedes it, but for system messages at the beginning, the document. Where a template knows
    /// no system messages, one at the beginning becomes the first line of the message that follows it. Throws
    /// Error(Input) for a conversation that is empty or ends with the assistant's message, an unknown role, or a
    /// conversation that the template cannot render; Error(Usage) for marks outside it; else as above.
    [[nodiscard]] Prompt chat_prompt(std::span<const ChatMessage> messages, const std::optional<ChatMarks> & marks = {},
                                     const PromptOptions & options = {}, const CallOptions & call = {}) const;

    /// Document and question, concatenated as they are. The tokenizer's begin token is added if the file asks for one,
    /// its end token never: a prompt is there to be continued. Throws as chat_prompt() does.
    [[nodiscard]] Prompt raw_prompt(std::string_view document, std::string_view question = {},
                                    const PromptOptions & options = {}, const CallOptions & call = {}) const;

    /// Text to token ids. `add_special` adds what the file wants at the start and at the end of a text (a prompt that
    /// is to be continued must not end with an end token: see raw_prompt()); `parse_special` lets text become control
    /// tokens. Throws Error(Input) for text that the tokenizer cannot handle (see docs/formats.md), Error(Interrupted)
    /// once the stop flag is set.
    [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool add_special, bool parse_special,
                                              const CallOptions & call = {}) const;

    /// A grammar for SamplingOptions::grammar of the texts that a JSON schema describes. Throws Error(Input), with the
    /// reason, for a schema that is none or says what grammars cannot (llama.cpp's documentation of grammars has the
    /// list); Error(Machine) and Error(Interrupted) as chat_prompt() does.
    [[nodiscard]] std::string schema_grammar(const std::string & schema, const CallOptions & call = {}) const;

    /// Throws what generating with the grammar would throw: before a long prefill, say.
    void check_grammar(const std::string & grammar, const CallOptions & call = {}) const;

    /// The bytes of one token, possibly part of a UTF-8 sequence; empty for control tokens. Throws Error(Input) if the
    /// id is not in the vocabulary.
    [[nodiscard]] std::string piece(Token token) const;

    struct Impl;

private:
    friend struct Internals;
    explicit Model(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> impl_;
};

/// Drops `count` document tokens from the middle of each prompt, the same ones from all. All prompts must start with
/// the same document. Throws Error(Input) if the document has fewer tokens.
SNAPKV_API void truncate_middle(std::vector<Prompt> & prompts, std::size_t count);

}  // namespace snapkv
