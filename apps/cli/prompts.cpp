#include "prompts.h"

#include <algorithm>

#include "fail.h"
#include "format.h"

namespace snapkv::cli {
namespace {

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

/// Of the document, so that the longest prompt leaves room for its answer. None where that much cannot be dropped but
/// the whole prompt fits: the answer then gets what room there is.
std::size_t tokens_to_drop(const Settings & settings, const FittedPrompts & fitted, std::uint64_t longest) {
    const std::uint64_t room = answer_room(settings, fitted.context);
    if (longest + room <= fitted.context) {
        return 0;
    }
    const std::uint64_t over = longest + room - fitted.context;
    const Prompt & first = fitted.prompts.front();
    const std::size_t document = first.document_end - first.document_begin;
    if (over <= document) {
        return over;
    }
    if (longest >= fitted.context) {
        input_error("--truncate middle: {} besides the document and {} for the answer do not fit a context of {}",
                    count_text(longest - document, "token"), count_text(room), count_text(fitted.context));
    }
    return 0;
}

}  // namespace

std::uint64_t answer_room(const Settings & settings, std::uint32_t context) {
    constexpr std::uint64_t most_for_open_answer = 1024;
    const std::uint64_t room = settings.predict < 0 ? std::min<std::uint64_t>(most_for_open_answer, context / 4)
                                                    : static_cast<std::uint64_t>(settings.predict);
    return std::max<std::uint64_t>(room, 1);
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
            "the prompt of {} leaves no room for an answer in a context of {} ({}-c and --allow-long lengthen "
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
