#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/model.h"
#include "text/template_frames.h"
#include "text/vocabulary.h"

namespace snapkv::text {

/// A Jinja template, the model file's own or the caller's, run by llama.cpp's implementation when it is first needed.
/// Cheap to copy: copies share what was rendered.
/// Const members may be called from several threads. Those that need it rendered throw Error(Machine) where no process
/// can be had for that or the system is too busy or kills it, and Error(Interrupted) once the vocabulary is to stop.
class ChatTemplate {
public:
    /// Never throws for a template that does not work: usable() is then false and error() says why.
    explicit ChatTemplate(const Vocabulary & vocabulary);
    /// The same with a Jinja template of the caller's.
    ChatTemplate(const Vocabulary & vocabulary, const std::string & source);
    /// The same template, with what of it has been rendered, for a call that has this copy of the vocabulary.
    [[nodiscard]] ChatTemplate with(const Vocabulary & of_call) const;

    [[nodiscard]] const std::string & source() const;  ///< Jinja; empty: there is none
    [[nodiscard]] bool usable() const;                 ///< there is a template and it works
    [[nodiscard]] const std::string & error() const;

    /// The template's text before and after a first user message, with the opening of the assistant's turn.
    [[nodiscard]] Frame first_turn() const;
    /// The template's texts before, between and behind messages of these roles, with the opening of the answer. Throws
    /// Error(Input) where it cannot render such a conversation.
    [[nodiscard]] std::vector<std::string> texts_around(std::span<const std::string> roles) const;
    /// What a further user message adds: the rendering with it minus the rendering before it. `before` closes the
    /// open assistant turn (all up to the end token excluded where `end_token_fed`) and opens the user's.
    [[nodiscard]] Frame further_turn(bool end_token_fed) const;

private:
    struct Impl;
    Vocabulary vocabulary_;
    std::shared_ptr<Impl> impl_;
};

/// One user message: document, and where there is a question `separator` and the question, as one untrimmed byte string
/// between the template's texts. Control tokens come from the template's own text only; each run of plain
/// text between two control tokens is tokenized as one string; one BOS at most. For content without control text the
/// ids equal libllama's for the rendered prompt, without the end token that some files want behind a text.
/// Error(Input) for an empty message, for one beyond the options' context, or without a usable template.
Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view document,
                   std::string_view question, std::string_view separator = "\n\n", const PromptOptions & options = {});

/// A conversation in the template, likewise: each message between the template's texts. See Model::chat_prompt.
Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::span<const ChatMessage> messages,
                   const std::optional<ChatMarks> & marks = {}, const PromptOptions & options = {});

/// Document and question byte after byte, with the BOS that the tokenizer itself adds. Control tokens come from their
/// text only where the options say so. Error(Input) where both are empty or beyond the options' context.
Prompt raw_prompt(const Vocabulary & vocabulary, std::string_view document, std::string_view question,
                  const PromptOptions & options = {});

/// The tokens of a further user message: see ChatTemplate::further_turn, tokenized by the same rules, without BOS.
std::vector<Token> turn_tokens(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view message,
                               bool end_token_fed);

}  // namespace snapkv::text
