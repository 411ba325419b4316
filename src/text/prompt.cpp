#include "text/prompt.h"

#include <algorithm>
#include <string>

#include "base/raise.h"
#include "llama.h"
#include "text/layout.h"
#include "text/partition.h"
#include "text/special_text.h"
#include "text/token_spans.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

/// Document and question as one byte string.
struct Message {
    std::string text;
    std::size_t document_bytes = 0;
    std::size_t question_offset = 0;
    bool has_question = false;
};

Message join(std::string_view document, std::string_view separator, std::string_view question) {
    require_utf8(document, "document");
    require_utf8(question, "question");
    Message message{.text = std::string(document),
                    .document_bytes = document.size(),
                    .question_offset = 0,
                    .has_question = !question.empty()};
    if (message.has_question) {
        message.text += document.empty() ? "" : separator;
        message.question_offset = message.text.size();
        message.text += question;
    }
    if (message.text.empty()) {
        raise_input("the prompt is empty: give a document, a question or both");
    }
    return message;
}

/// How many tokens a prompt may have before it is refused.
std::size_t most_tokens(const PromptOptions & options) {
    constexpr std::size_t times = 100;
    return options.context == 0 ? Vocabulary::no_limit : times * options.context;
}

void check_size(std::size_t tokens, const Message & message, const PromptOptions & options) {
    if (tokens > most_tokens(options)) {
        raise_input("the prompt ({} bytes) is longer than {} tokens, a hundred times the context size of {}",
                    message.text.size(), most_tokens(options), options.context);
    }
}

/// Sets where document and question lie, from where in the message's stretch its tokens lie. They begin at
/// `prompt.tokens[base]`, the message at `offset`.
void locate(const Message & message, std::size_t offset, const std::vector<TokenSpan> & spans, std::size_t base,
            Prompt & prompt) {
    const auto index_of = [&](auto && wanted) {
        return base + static_cast<std::size_t>(std::find_if(spans.begin(), spans.end(), wanted) - spans.begin());
    };
    const std::size_t begin = offset;
    const std::size_t end = begin + message.document_bytes;
    const std::size_t question = begin + message.question_offset;
    prompt.document_begin = index_of([&](const TokenSpan & span) { return span.begin >= begin && span.end > begin; });
    prompt.document_end =
        std::max(prompt.document_begin, index_of([&](const TokenSpan & span) { return span.end > end; }));
    prompt.question_begin = index_of([&](const TokenSpan & span) { return span.end > question; });
}

/// Where `tokens` lie in a text in which theirs begins at `shift`.
std::vector<TokenSpan> shifted_spans(const Vocabulary & vocabulary, std::string_view text,
                                     const std::vector<Token> & tokens, std::size_t shift) {
    std::vector<TokenSpan> spans = token_spans(vocabulary, text, tokens);
    for (TokenSpan & span : spans) {
        span.begin += shift;
        span.end += shift;
    }
    return spans;
}

void append(std::vector<Token> & tokens, const std::vector<Token> & more) {
    tokens.insert(tokens.end(), more.begin(), more.end());
}

/// Without the end token that some files want behind a text: a prompt is to be continued.
Prompt assemble(const Vocabulary & vocabulary, const Layout & layout, const Message & message,
                const PromptOptions & options) {
    check_size(message.text.size() / vocabulary.longest_token(), message, options);
    Prompt prompt;
    const Token bos = llama_vocab_bos(vocabulary.raw());
    const bool adds_bos = vocabulary.adds_bos();
    if (adds_bos) {
        prompt.tokens.push_back(bos);
    }
    for (std::size_t i = 0; i < layout.stretches.size(); ++i) {
        if (i == 0 && adds_bos && layout.stretches[i].control == bos) {
            continue;  // the template's own, which has just been added
        }
        const StretchTokens stretch = tokenize_stretch(vocabulary, layout, i, {}, most_tokens(options));
        const std::size_t base = prompt.tokens.size();
        append(prompt.tokens, stretch.tokens);
        check_size(prompt.tokens.size(), message, options);
        if (i == layout.message) {
            locate(message, layout.offset, shifted_spans(vocabulary, stretch.text, stretch.tokens, stretch.swallowed),
                   base, prompt);
        }
    }
    if (!message.has_question) {
        prompt.question_begin = prompt.tokens.size();
    }
    return prompt;
}

/// The message with the control tokens that its text names.
Prompt parsed_prompt(const Vocabulary & vocabulary, const Message & message, const PromptOptions & options) {
    check_size(message.text.size() / vocabulary.longest_token(), message, options);
    Prompt prompt;
    std::vector<TokenSpan> spans;
    const Token bos = llama_vocab_bos(vocabulary.raw());
    for (const Part & part : partition(vocabulary, message.text, Wanted::All, Spaces::Swallowed)) {
        const auto offset = static_cast<std::size_t>(part.text.data() - message.text.data());
        if (part.special != nullptr) {
            prompt.tokens.push_back(part.special->token);
            spans.push_back({.begin = offset, .end = offset + part.text.size()});
        } else {
            const std::vector<Token> tokens = vocabulary.tokenize(part.text, false, true, most_tokens(options));
            const std::vector<TokenSpan> lie = shifted_spans(vocabulary, part.text, tokens, offset);
            append(prompt.tokens, tokens);
            spans.insert(spans.end(), lie.begin(), lie.end());
        }
        check_size(prompt.tokens.size(), message, options);
    }
    const bool bos_is_missing = vocabulary.adds_bos() && (prompt.tokens.empty() || prompt.tokens.front() != bos);
    if (bos_is_missing) {
        prompt.tokens.insert(prompt.tokens.begin(), bos);
    }
    locate(message, 0, spans, bos_is_missing ? 1 : 0, prompt);
    if (!message.has_question) {
        prompt.question_begin = prompt.tokens.size();
    }
    return prompt;
}

}  // namespace

Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view document,
                   std::string_view question, std::string_view separator, const PromptOptions & options) {
    const Message message = join(document, separator, question);
    const Frame frame = chat.first_turn();
    return assemble(vocabulary, lay_out(vocabulary, frame.before, message.text, frame.after), message, options);
}

Prompt raw_prompt(const Vocabulary & vocabulary, std::string_view document, std::string_view question,
                  const PromptOptions & options) {
    const Message message = join(document, "", question);
    return options.parse_special ? parsed_prompt(vocabulary, message, options)
                                 : assemble(vocabulary, lay_out(vocabulary, "", message.text, ""), message, options);
}

std::vector<Token> turn_tokens(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view message,
                               bool end_token_fed) {
    require_utf8(message, "message");
    if (message.empty()) {
        raise_input("the message is empty");
    }
    const Frame frame = chat.further_turn(end_token_fed);
    Context context{.plain = !end_token_fed};
    if (end_token_fed) {
        const auto end = leading_end(vocabulary, chat.further_turn(false).before);
        context.control = end ? std::optional(end->token) : std::nullopt;
    }
    const Layout layout = lay_out(vocabulary, frame.before, message, frame.after);
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < layout.stretches.size(); ++i) {
        const StretchTokens stretch = tokenize_stretch(vocabulary, layout, i, context);
        tokens.insert(tokens.end(), stretch.tokens.begin(), stretch.tokens.end());
    }
    return tokens;
}

}  // namespace snapkv::text
