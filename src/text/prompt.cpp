#include "text/prompt.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "base/raise.h"
#include "gguf/in_quotes.h"
#include "llama.h"
#include "text/layout.h"
#include "text/partition.h"
#include "text/special_text.h"
#include "text/token_spans.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

/// Document and question as one text.
struct Joined {
    std::string text;
    std::size_t document_end = 0;
    std::optional<std::size_t> question;
};

Joined join(std::string_view document, std::string_view separator, std::string_view question) {
    require_utf8(document, "document");
    require_utf8(question, "question");
    Joined joined{.text = std::string(document), .document_end = document.size(), .question = {}};
    if (!question.empty()) {
        joined.text += document.empty() ? "" : separator;
        joined.question = joined.text.size();
        joined.text += question;
    }
    if (joined.text.empty()) {
        raise_input("the prompt is empty: give a document, a question or both");
    }
    return joined;
}

/// What the prompt is made of: texts, which a template may surround, and what in them is what.
struct Content {
    std::vector<std::string_view> texts;
    ChatMarks marks;

    [[nodiscard]] std::size_t bytes() const {
        return std::accumulate(texts.begin(), texts.end(), std::size_t{0},
                               [](std::size_t sum, std::string_view text) { return sum + text.size(); });
    }
};

Content content_of(const Joined & joined) {
    Content content{.texts = {joined.text},
                    .marks = {.document_begin = {}, .document_end = {0, joined.document_end}, .question = {}}};
    if (joined.question) {
        content.marks.question = ChatPlace{0, *joined.question};
    }
    return content;
}

constexpr std::array<std::string_view, 5> known_roles{"system", "developer", "user", "assistant", "tool"};

void check_messages(std::span<const ChatMessage> messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (std::find(known_roles.begin(), known_roles.end(), messages[i].role) == known_roles.end()) {
            raise_input("message {} of the conversation has the role {}; expected {}", i + 1,
                        gguf::in_quotes(messages[i].role), fmt::join(known_roles, ", "));
        }
        require_utf8(messages[i].content, fmt::format("message {} of the conversation", i + 1));
    }
    if (std::all_of(messages.begin(), messages.end(), [](const ChatMessage & m) { return m.content.empty(); })) {
        raise_input("the conversation is empty");
    }
    if (messages.back().role == "assistant") {
        raise_input("the conversation ends with a message of the assistant's: there is nothing to answer");
    }
}

/// The last message is the question, the document what precedes it behind the system's messages.
ChatMarks marks_of(std::span<const ChatMessage> messages) {
    const std::size_t last = messages.size() - 1;
    std::size_t first = 0;
    while (first < last && (messages[first].role == "system" || messages[first].role == "developer")) {
        ++first;
    }
    return {.document_begin = {first, 0}, .document_end = {last, 0}, .question = ChatPlace{last, 0}};
}

void check_marks(const ChatMarks & marks, std::span<const ChatMessage> messages) {
    const auto index = [&](const ChatPlace & place) { return std::pair(place.message, place.byte); };
    const auto inside = [&](const ChatPlace & place) {
        return place.message < messages.size() && place.byte <= messages[place.message].content.size();
    };
    if (!inside(marks.document_begin) || !inside(marks.document_end) || (marks.question && !inside(*marks.question)) ||
        index(marks.document_begin) > index(marks.document_end) ||
        (marks.question && index(*marks.question) < index(marks.document_end))) {
        raise_usage("the marks of document and question lie outside the conversation, or out of order");
    }
}

/// How many tokens a prompt may have before it is refused.
std::size_t most_tokens(const PromptOptions & options) {
    constexpr std::size_t times = 100;
    return options.context == 0 ? Vocabulary::no_limit : times * options.context;
}

void check_size(std::size_t tokens, std::size_t bytes, const PromptOptions & options) {
    if (tokens > most_tokens(options)) {
        raise_input("the prompt ({} bytes) is longer than {} tokens, a hundred times the context size of {}", bytes,
                    most_tokens(options), options.context);
    }
}

/// Sets those places of a prompt that lie in a stretch of text: its tokens cover `spans` of it and begin at
/// `prompt.tokens[base]`.
class Places {
public:
    Places(std::vector<TokenSpan> spans, std::size_t base, Prompt & prompt)
        : spans_(std::move(spans)), base_(base), prompt_(prompt) {}

    void begin_document(std::size_t byte) const {
        prompt_.document_begin = first([&](const TokenSpan & span) { return span.begin >= byte && span.end > byte; });
    }
    void end_document(std::size_t byte) const { prompt_.document_end = first_beyond(byte); }
    void begin_question(std::size_t byte) const { prompt_.question_begin = first_beyond(byte); }

private:
    template <typename Wanted>
    [[nodiscard]] std::size_t first(const Wanted & wanted) const {
        return base_ + static_cast<std::size_t>(std::find_if(spans_.begin(), spans_.end(), wanted) - spans_.begin());
    }
    [[nodiscard]] std::size_t first_beyond(std::size_t byte) const {
        return first([&](const TokenSpan & span) { return span.end > byte; });
    }

    std::vector<TokenSpan> spans_;
    std::size_t base_;
    Prompt & prompt_;
};

/// The document ends no earlier than it begins and no later than the question begins; without a question, that is the
/// end.
void finish_places(bool has_question, Prompt & prompt) {
    if (!has_question) {
        prompt.question_begin = prompt.tokens.size();
    }
    // A token may hold the end of one and the beginning of the other: it is the question's.
    prompt.document_begin = std::min(prompt.document_begin, prompt.question_begin);
    prompt.document_end = std::clamp(prompt.document_end, prompt.document_begin, prompt.question_begin);
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

/// Sets the places that lie in a stretch of the layout.
void locate(const Vocabulary & vocabulary, const Layout & layout, std::size_t index, const StretchTokens & stretch,
            const ChatMarks & marks, std::size_t base, Prompt & prompt) {
    const auto here = [&](const ChatPlace & place) { return layout.messages[place.message].stretch == index; };
    const bool begins = here(marks.document_begin);
    const bool ends = here(marks.document_end);
    const bool asks = marks.question && here(*marks.question);
    if (!begins && !ends && !asks) {
        return;
    }
    const Places places(shifted_spans(vocabulary, stretch.text, stretch.tokens, stretch.swallowed), base, prompt);
    const auto byte = [&](const ChatPlace & place) { return layout.messages[place.message].offset + place.byte; };
    if (begins) {
        places.begin_document(byte(marks.document_begin));
    }
    if (ends) {
        places.end_document(byte(marks.document_end));
    }
    if (asks) {
        places.begin_question(byte(*marks.question));
    }
}

/// Without the end token that some files want behind a text: a prompt is to be continued.
Prompt assemble(const Vocabulary & vocabulary, std::span<const std::string> around, const Content & content,
                const PromptOptions & options) {
    check_size(content.bytes() / vocabulary.longest_token(), content.bytes(), options);
    const Layout layout = lay_out(vocabulary, around, content.texts);
    Prompt prompt;
    const Token bos = llama_vocab_bos(vocabulary.raw());
    const bool adds_bos = vocabulary.text_begin().has_value();
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
        check_size(prompt.tokens.size(), content.bytes(), options);
        locate(vocabulary, layout, i, stretch, content.marks, base, prompt);
    }
    finish_places(content.marks.question.has_value(), prompt);
    return prompt;
}

/// The text with the control tokens that it names.
Prompt parsed_prompt(const Vocabulary & vocabulary, const Joined & joined, const PromptOptions & options) {
    check_size(joined.text.size() / vocabulary.longest_token(), joined.text.size(), options);
    Prompt prompt;
    std::vector<TokenSpan> spans;
    const Token bos = llama_vocab_bos(vocabulary.raw());
    for (const Part & part : partition(vocabulary, joined.text, Wanted::All, Spaces::Swallowed)) {
        const auto offset = static_cast<std::size_t>(part.text.data() - joined.text.data());
        if (part.special != nullptr) {
            prompt.tokens.push_back(part.special->token);
            spans.push_back({.begin = offset, .end = offset + part.text.size()});
        } else {
            const std::vector<Token> tokens = vocabulary.tokenize(part.text, false, true, most_tokens(options));
            const std::vector<TokenSpan> lie = shifted_spans(vocabulary, part.text, tokens, offset);
            append(prompt.tokens, tokens);
            spans.insert(spans.end(), lie.begin(), lie.end());
        }
        check_size(prompt.tokens.size(), joined.text.size(), options);
    }
    const bool bos_is_missing =
        vocabulary.text_begin().has_value() && (prompt.tokens.empty() || prompt.tokens.front() != bos);
    if (bos_is_missing) {
        prompt.tokens.insert(prompt.tokens.begin(), bos);
    }
    const Places places(std::move(spans), bos_is_missing ? 1 : 0, prompt);
    places.begin_document(0);
    places.end_document(joined.document_end);
    if (joined.question) {
        places.begin_question(*joined.question);
    }
    finish_places(joined.question.has_value(), prompt);
    return prompt;
}

}  // namespace

Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::string_view document,
                   std::string_view question, std::string_view separator, const PromptOptions & options) {
    const Joined joined = join(document, separator, question);
    Frame frame = chat.first_turn();
    const std::array<std::string, 2> around{std::move(frame.before), std::move(frame.after)};
    return assemble(vocabulary, around, content_of(joined), options);
}

Prompt chat_prompt(const Vocabulary & vocabulary, const ChatTemplate & chat, std::span<const ChatMessage> messages,
                   const std::optional<ChatMarks> & marks, const PromptOptions & options) {
    if (messages.empty()) {
        raise_input("the conversation has no messages");
    }
    check_messages(messages);
    Content content{.texts = {}, .marks = marks ? *marks : marks_of(messages)};
    check_marks(content.marks, messages);
    std::vector<std::string> roles;
    for (const ChatMessage & message : messages) {
        content.texts.emplace_back(message.content);
        roles.push_back(message.role);
    }
    return assemble(vocabulary, chat.texts_around(roles), content, options);
}

Prompt raw_prompt(const Vocabulary & vocabulary, std::string_view document, std::string_view question,
                  const PromptOptions & options) {
    const Joined joined = join(document, "", question);
    static const std::array<std::string, 2> nothing;
    return options.parse_special ? parsed_prompt(vocabulary, joined, options)
                                 : assemble(vocabulary, nothing, content_of(joined), options);
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
    const std::array<std::string, 2> around{frame.before, frame.after};
    const Layout layout = lay_out(vocabulary, around, {&message, 1});
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < layout.stretches.size(); ++i) {
        const StretchTokens stretch = tokenize_stretch(vocabulary, layout, i, context);
        tokens.insert(tokens.end(), stretch.tokens.begin(), stretch.tokens.end());
    }
    return tokens;
}

}  // namespace snapkv::text
