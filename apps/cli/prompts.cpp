#include "prompts.h"

#include <algorithm>
#include <array>

#include "fail.h"
#include "format.h"
#include "input.h"

namespace snapkv::cli {
namespace {

constexpr std::string_view separator = "\n\n";

/// Document and question as one message of the user's behind the system's.
Prompt prompt_with_system(const Model & model, const std::string & system, const std::string & document,
                          std::string_view question, const PromptOptions & options) {
    std::array<ChatMessage, 2> messages{{{"system", system}, {"user", document}}};
    std::string & content = messages[1].content;
    ChatMarks marks{.document_begin = {1, 0}, .document_end = {1, document.size()}, .question = {}};
    if (!question.empty()) {
        content += document.empty() ? "" : separator;
        marks.question = ChatPlace{1, content.size()};
        content += question;
    }
    if (content.empty()) {
        input_error("the prompt is empty: give a document, a question or both");
    }
    return model.chat_prompt(messages, marks, options);
}

std::vector<Prompt> make_prompts(const Model & model, const Settings & settings, const std::string & document) {
    const PromptOptions options{
        .parse_special = settings.parse_special,
        .context = settings.context != 0 ? settings.context : model.info().trained_context,
    };
    const std::optional<std::string> system = read_system_prompt(settings);
    const auto make = [&](std::string_view question) {
        if (settings.raw) {
            return model.raw_prompt(document, question, options);
        }
        return system ? prompt_with_system(model, *system, document, question, options)
                      : model.chat_prompt(document, question, separator, options);
    };
    std::vector<Prompt> prompts;
    for (const std::string & question : settings.questions) {
        prompts.push_back(make(question));
    }
    if (prompts.empty()) {
        prompts.push_back(make({}));
    }
    return prompts;
}

std::uint64_t longest_of(const std::vector<Prompt> & prompts) {
    std::uint64_t longest = 0;
    for (const Prompt & prompt : prompts) {
        longest = std::max<std::uint64_t>(longest, prompt.tokens.size());
    }
    return longest;
}

/// Of the document, so that the longest prompt leaves room for its answer.
std::size_t tokens_to_drop(const Settings & settings, const FittedPrompts & fitted, std::uint64_t longest) {
    const Prompt & first = fitted.prompts.front();
    const std::uint64_t around = longest - (first.document_end - first.document_begin);
    const std::uint64_t room = room_beside_document(settings, fitted.context, around);
    if (around + room > fitted.context) {
        input_error(
            "--truncate middle: the question and the template ({}) and {} reserved for the answer do not fit in a "
            "context of {}",
            count_text(around, "token"), count_text(room), count_text(fitted.context));
    }
    if (longest + room <= fitted.context) {
        return 0;
    }
    if (const std::uint64_t asked = answer_room(settings, fitted.context); room < asked) {
        note("--truncate middle: {} reserved for the answer instead of {}, which would cost too much of the document",
             count_text(room, "token"), count_text(asked));
    }
    return longest + room - fitted.context;
}

std::uint64_t open_answer_room(std::uint32_t context) {
    constexpr std::uint32_t most = 1024;
    return std::clamp(context / 4, 1U, most);
}

}  // namespace

std::uint64_t answer_room(const Settings & settings, std::uint32_t context) {
    return settings.predict < 0 ? open_answer_room(context)
                                : static_cast<std::uint64_t>(std::max<std::int64_t>(settings.predict, 1));
}

std::uint64_t room_beside_document(const Settings & settings, std::uint32_t context, std::uint64_t around) {
    const std::uint64_t asked = answer_room(settings, context);
    const std::uint64_t room = asked <= context / 2 ? asked : std::min(asked, open_answer_room(context));
    const std::uint64_t left = context > around ? context - around : 0;
    return std::clamp<std::uint64_t>(room, 1, std::max<std::uint64_t>(left - left / 4, 1));
}

std::int64_t most_generated(const Settings & settings, std::uint64_t tokens, std::uint32_t context) {
    const std::uint64_t left = context > tokens ? context - tokens : 0;
    return settings.predict < 0 ? -1 : std::min(settings.predict, static_cast<std::int64_t>(left));
}

std::uint32_t context_for(const Settings & settings, std::uint32_t trained, std::uint64_t longest) {
    if (settings.context != 0) {
        return settings.context;
    }
    const auto least = static_cast<std::uint64_t>(std::max<std::int64_t>(settings.predict, 1));
    if (!settings.allow_long || longest + least <= trained) {
        return trained;
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(longest + answer_room(settings, trained), INT32_MAX));
}

void check_fit(const Settings & settings, std::uint64_t tokens, std::uint32_t context) {
    if (tokens >= context) {
        input_error(
            "the prompt of {} leaves no room for an answer in a context of {} ({}-c or --allow-long extends "
            "the context)",
            count_text(tokens, "token"), count_text(context),
            settings.load_kv.empty() ? "--truncate middle shortens the document, " : "");
    }
}

FittedPrompts fit_prompts(const Model & model, const Settings & settings, const std::string & document) {
    FittedPrompts fitted;
    fitted.prompts = make_prompts(model, settings, document);
    const std::uint64_t longest = longest_of(fitted.prompts);
    fitted.context = context_for(settings, model.info().trained_context, longest);
    if (settings.truncate == Truncate::Middle) {
        fitted.dropped = tokens_to_drop(settings, fitted, longest);
        if (fitted.dropped > 0) {
            truncate_middle(fitted.prompts, fitted.dropped);
        }
    }
    check_fit(settings, longest_of(fitted.prompts), fitted.context);
    return fitted;
}

}  // namespace snapkv::cli
