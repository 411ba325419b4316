#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/stop.h"
#include "base/telling.h"
#include "gguf/file.h"

struct llama_vocab;

namespace snapkv::text {

using Token = std::int32_t;

/// A token that libllama looks for in a text before it tokenizes what lies between.
struct Special {
    Token token = 0;
    std::string_view text;      ///< never empty; lives as long as the vocabulary
    bool user_defined = false;  ///< looked for in every text, else only where special text is parsed
    bool control = false;       ///< plain text may not hold it
};

struct VocabularyOptions {
    /// Receives what libllama warns of while it loads, a line each.
    std::function<void(std::string_view)> warn = {};
    Stop stop = Stop();  ///< polled while a long text is tokenized
};

/// libllama's tokenizer over a file's vocabulary. Cheap to copy. Const members may be called from several threads,
/// however small their stacks.
class Vocabulary {
public:
    /// Reads the mapping that `file` holds, on which gguf::check_vocabulary must have passed; the file need not stay.
    /// Throws Error(Input) where libllama refuses it.
    static Vocabulary load(const gguf::File & file, const VocabularyOptions & options = {});

    /// The same vocabulary for one call, which may be stopped for reasons of its own and is told how far a long text
    /// is, in bytes.
    [[nodiscard]] Vocabulary obeying(const CallOptions & call) const;

    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    /// libllama's tokens for the text. A long text is taken in pieces that tokenize to the same, and no further than to
    /// the piece in which there turn out to be more than `most` tokens. Throws Error(Input) for a stretch that the
    /// tokenizer would take too much stack or time for, and Error(Interrupted) once it is to stop.
    [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool add_special, bool parse_special,
                                              std::size_t most = no_limit) const;
    /// The token's bytes; control tokens give their text where `special`, else nothing.
    [[nodiscard]] std::string piece(Token token, bool special = false) const;
    [[nodiscard]] bool is_end_of_generation(Token token) const;
    /// Whether the token marks what a text is made of, so that plain text may not hold it.
    [[nodiscard]] bool is_control(Token token) const;
    /// Whether the tokenizer swallows white space before, or after, this token where it parses special text.
    [[nodiscard]] bool strips_before(Token token) const;
    [[nodiscard]] bool strips_after(Token token) const;
    /// What the file wants before, and behind, a text that is to be whole; nothing: no token.
    [[nodiscard]] std::optional<Token> text_begin() const;
    [[nodiscard]] std::optional<Token> text_end() const;
    [[nodiscard]] std::int32_t size() const;
    /// Bytes that one token stands for at most.
    [[nodiscard]] std::size_t longest_token() const;
    /// Longer texts before shorter ones, in libllama's order.
    [[nodiscard]] std::span<const Special> specials() const;
    /// The tokens of a line break, where the tokenizer puts a space before a text's first word; else none. The space
    /// lands before a line break in front of the text, whose tokens are then taken off: nothing merges across one.
    [[nodiscard]] std::span<const Token> guard() const;
    [[nodiscard]] const Stop & stop() const { return stop_; }
    void check_stop() const;  ///< throws Error(Interrupted) once it is to stop
    [[nodiscard]] const llama_vocab * raw() const;
    [[nodiscard]] const std::string & chat_template() const;  ///< the file's; empty without one

private:
    struct Loaded;
    [[nodiscard]] std::vector<Token> plain_tokens(std::string_view text, std::string_view plain,
                                                  std::size_t most) const;

    std::shared_ptr<const Loaded> loaded_;
    Stop stop_;
    Telling tell_;
};

}  // namespace snapkv::text
