#include "text/special_text.h"

#include <algorithm>
#include <span>

#include "llama.h"
#include "text/partition.h"

namespace snapkv::text {
namespace {

std::string_view text_of(const Vocabulary & vocabulary, Token token) {
    return llama_vocab_get_text(vocabulary.raw(), token);
}

/// libllama keeps harmony's <|end|> from ending a generation, because parts of an answer end with it too. What follows
/// an answer is written after it all the same.
bool ends_answer(const Vocabulary & vocabulary, Token token) {
    return vocabulary.is_end_of_generation(token) || text_of(vocabulary, token) == "<|end|>";
}

/// The longest that the text begins with.
std::optional<LeadingEnd> end_at_front(const Vocabulary & vocabulary, std::string_view text) {
    std::optional<LeadingEnd> found;
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const std::string_view end = text_of(vocabulary, token);
        if (!end.empty() && text.starts_with(end) && (!found || end.size() > found->bytes) &&
            ends_answer(vocabulary, token)) {
            found = LeadingEnd{token, end.size()};
        }
    }
    return found;
}

}  // namespace

std::vector<Stretch> split_at_controls(const Vocabulary & vocabulary, std::string_view text) {
    std::vector<Stretch> stretches;
    for (const Part & part : partition(vocabulary, text, Wanted::All, Spaces::Kept)) {
        if (part.special != nullptr && part.special->control) {
            stretches.push_back({.control = part.special->token});
        } else if (!stretches.empty() && !stretches.back().control) {
            stretches.back().plain += part.text;
        } else {
            stretches.push_back({.plain = std::string(part.text)});
        }
    }
    return stretches;
}

std::optional<LeadingEnd> leading_end(const Vocabulary & vocabulary, std::string_view text) {
    const std::span<const Special> specials = vocabulary.specials();
    const auto end_of = [&](std::string_view rest) {
        std::optional<LeadingEnd> end = end_at_front(vocabulary, rest);
        if (end) {
            end->bytes += text.size() - rest.size();
        }
        return end;
    };
    const std::string_view begin = without_leading_space(text);
    if (const auto end = end_of(begin)) {
        return end;
    }
    const auto special = std::find_if(specials.begin(), specials.end(),
                                      [&](const Special & each) { return begin.starts_with(each.text); });
    return special == specials.end() ? std::nullopt : end_of(without_leading_space(begin.substr(special->text.size())));
}

}  // namespace snapkv::text
