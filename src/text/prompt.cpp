#include "text/prompt.h"

#include <algorithm>
#include <string>

#include "base/raise.h"
#include "llama.h"
#include "text/layout.h"
#include "text/special_text.h"
#include "text/token_spans.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

void require_utf8(std::string_view text, const char * what) {
    const std::size_t offset = find_invalid_utf8(text);
    if (offset != std::string_view::npos) {
        raise_input("the {} is not valid UTF-8: byte 0x{:02X} at offset {} belongs to no character", what,
                    static_cast<unsigned char>(text[offset]), offset);
    }
}

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
        raise_input("the prompt is empty: expected a document, a question or both");
    }
    return message;
}

/// Sets where document and question lie, from the tokens of the stretch that holds the message. They begin at
/// `prompt.tokens[base]`.
void locate(const Vocabulary & vocabulary, const Message & message, std::size_t offset, const StretchTokens & stretch,
            std::size_t base, Prompt & prompt) {
    const std::vector<TokenSpan> spans = token_spans(vocabulary, stretch.text, stretch.tokens);
    const auto index_of = [&](auto && wanted) {
        return base + static_cast<std::size_t>(std::find_if(spans.begin(), spans.end(), wanted) - spans.begin());
    };
    // Spans are relative to what was tokenised, the message's offset to the whole stretch.
    const std::size_t begin = offset;
    const std::size_t end = begin + message.document_bytes;
    const std::size_t question = begin + message.question_offset;
    const std::size_t shift = stretch.swallowed;
    prompt.document_begin =
        index_of([&](const TokenSpan & span) { return span.begin + shift >= begin && span.end + shift > begin; });
    prompt.document_end =
        std::max(prompt.document_begin, index_of([&](const TokenSpan & span) { return span.end + shift > end; }));
    prompt.question_begin = index_of([&](const TokenSpan & span) { return span.end + shift > question; });
}

Prompt assemble(const Vocabulary & vocabulary, const Layout & layout, const Message & message) {
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
        const StretchTokens stretch = tokenize_stretch(vocabulary, layout, i, {});
        const std::size_t base = prompt.tokens.size();
        prompt.tokens.insert(prompt.tokens.end(), stretch.tokens.begin(), stretch.tokens.end());
        if (i == layout.message) {
            locate(vocabulary, message, layout.offset, stretch, base, prompt);
        }
    }
    if (llama_vocab_get_add_eos(vocabulary.raw())) {
        prompt.tokens.push_back(llama_vocab_eos(vocabulary.raw()));
    }
    if (!message.has_question) {
        prompt.question_begin = prompt.tokens.size();
    }
    return prompt;
}

}  // namespace

Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view document,
                   std::string_view question, std::string_view separator) {
    const Message message = join(document, separator, question);
    const ChatTemplate::Frame frame = chat.first_turn();
    return assemble(vocabulary, lay_out(vocabulary, frame.before, message.text, frame.after), message);
}

Prompt raw_prompt(const Vocabulary & vocabulary, std::string_view document, std::string_view question) {
    const Message message = join(document, "", question);
    return assemble(vocabulary, lay_out(vocabulary, "", message.text, ""), message);
}

std::vector<Token> turn_tokens(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view message,
                               bool end_token_fed) {
    require_utf8(message, "message");
    if (message.empty()) {
        raise_input("the message is empty");
    }
    const ChatTemplate::Frame frame = chat.further_turn(end_token_fed);
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
