#include "prompts.h"

#include <algorithm>

#include "fail.h"
#include "format.h"

namespace snapkv::cli {
namespace {

/// What an answer of open length gets where --allow-long has no -c to go by.
constexpr std::uint64_t open_answer = 1024;

std::vector<Prompt> make_prompts(const Model & model, const Settings & settings, const std::string & document) {
    const PromptOptions options{
        .parse_special = settings.parse_special,
        .context = settings.context != 0 ? settings.context : model.info().trained_context,
    };
    const auto make = [&](std::string_view question) {
        return settings.raw ? model.raw_prompt(document, question, options)
                            : model.chat_prompt(document, question, "\n\n", options);
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

}  // namespace

std::uint64_t answer_tokens(const Settings & settings) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(settings.predict, 1));
}

std::uint32_t context_for(const Settings & settings, std::uint32_t trained, std::uint64_t longest) {
    if (settings.context != 0) {
        return settings.context;
    }
    if (!settings.allow_long || longest + answer_tokens(settings) <= trained) {
        return trained;
    }
    const std::uint64_t answer = settings.predict < 0 ? open_answer : answer_tokens(settings);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(longest + answer, INT32_MAX));
}

void check_fit(const Settings & settings, std::uint64_t tokens, std::uint32_t context) {
    const std::uint64_t answer = answer_tokens(settings);
    if (tokens + answer > context) {
        input_error(
            "the prompt of {} and {} for the answer do not fit the context of {} ({}-c and --allow-long lengthen the "
            "context)",
            count_text(tokens, "token"), count_text(answer), count_text(context),
            settings.load_kv.empty() ? "--truncate middle shortens the document, " : "");
    }
}

FittedPrompts fit_prompts(const Model & model, const Settings & settings, const std::string & document) {
    FittedPrompts fitted;
    fitted.prompts = make_prompts(model, settings, document);
    const std::uint64_t longest = longest_of(fitted.prompts);
    fitted.context = context_for(settings, model.info().trained_context, longest);
    const std::uint64_t wanted = longest + answer_tokens(settings);
    if (settings.truncate == Truncate::Middle && wanted > fitted.context) {
        fitted.dropped = wanted - fitted.context;
        const Prompt & first = fitted.prompts.front();
        const std::size_t document_tokens = first.document_end - first.document_begin;
        if (fitted.dropped > document_tokens) {
            input_error("--truncate middle: {} would have to go, but the document has only {}",
                        count_text(fitted.dropped, "token"), count_text(document_tokens));
        }
        truncate_middle(fitted.prompts, fitted.dropped);
    }
    check_fit(settings, longest_of(fitted.prompts), fitted.context);
    return fitted;
}

}  // namespace snapkv::cli
