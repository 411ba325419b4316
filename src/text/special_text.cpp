#include "text/special_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "llama.h"

namespace snapkv::text {
namespace {

constexpr std::string_view white_space = " \t\n\v\f\r";

struct Special {
    Token token = 0;
    std::string_view text;
    bool control = false;  // else a token of the user's: stays plain, but nothing is found inside it
};

std::string_view text_of(const Vocabulary & vocabulary, Token token) {
    return llama_vocab_get_text(vocabulary.raw(), token);
}

bool has_attribute(const Vocabulary & vocabulary, Token token, llama_token_attr attribute) {
    return (llama_vocab_get_attr(vocabulary.raw(), token) & attribute) != 0;
}

/// All tokens that libllama looks for before it tokenises, longest first.
std::vector<Special> special_tokens(const Vocabulary & vocabulary) {
    std::vector<Special> specials;
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const bool user = has_attribute(vocabulary, token, LLAMA_TOKEN_ATTR_USER_DEFINED);
        const bool control = vocabulary.is_control(token) || has_attribute(vocabulary, token, LLAMA_TOKEN_ATTR_UNKNOWN);
        const std::string_view text = text_of(vocabulary, token);
        if ((user || control) && !text.empty()) {
            specials.push_back({.token = token, .text = text, .control = control});
        }
    }
    std::stable_sort(specials.begin(), specials.end(),
                     [](const Special & a, const Special & b) { return a.text.size() > b.text.size(); });
    return specials;
}

/// A part of the text on its way to a stretch; `closed` parts are not searched any more.
struct Part {
    std::string_view text;
    std::optional<Token> control = std::nullopt;
    bool closed = false;
};

std::vector<Part> cut_at(const std::vector<Part> & parts, const Special & special) {
    std::vector<Part> result;
    for (const Part & part : parts) {
        std::string_view rest = part.text;
        for (std::size_t found; !part.closed && (found = rest.find(special.text)) != std::string_view::npos;) {
            if (found > 0) {
                result.push_back({.text = rest.substr(0, found)});
            }
            result.push_back({.text = rest.substr(found, special.text.size()),
                              .control = special.control ? std::optional(special.token) : std::nullopt,
                              .closed = true});
            rest.remove_prefix(found + special.text.size());
        }
        if (!rest.empty()) {
            result.push_back({.text = rest, .control = part.control, .closed = part.closed});
        }
    }
    return result;
}

/// libllama keeps harmony's <|end|> from ending a generation, because parts of an answer end with it too. What follows
/// an answer is written after it all the same.
bool ends_answer(const Vocabulary & vocabulary, Token token) {
    return vocabulary.is_end_of_generation(token) || text_of(vocabulary, token) == "<|end|>";
}

/// The longest that the text begins with.
std::optional<Special> end_at_front(const Vocabulary & vocabulary, std::string_view text) {
    std::optional<Special> found;
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const std::string_view end = text_of(vocabulary, token);
        if (!end.empty() && text.starts_with(end) && (!found || end.size() > found->text.size()) &&
            ends_answer(vocabulary, token)) {
            found = Special{.token = token, .text = end};
        }
    }
    return found;
}

}  // namespace

std::vector<Stretch> split_at_controls(const Vocabulary & vocabulary, std::string_view text) {
    std::vector<Part> parts;
    if (!text.empty()) {
        parts.push_back({.text = text});
    }
    for (const Special & special : special_tokens(vocabulary)) {
        if (text.find(special.text) != std::string_view::npos) {
            parts = cut_at(parts, special);
        }
    }
    std::vector<Stretch> stretches;
    for (const Part & part : parts) {
        if (part.control) {
            stretches.push_back({.control = part.control});
        } else if (!stretches.empty() && !stretches.back().control) {
            stretches.back().plain += part.text;
        } else {
            stretches.push_back({.plain = std::string(part.text)});
        }
    }
    return stretches;
}

bool strips_after(const Vocabulary & vocabulary, Token token) {
    return has_attribute(vocabulary, token, LLAMA_TOKEN_ATTR_RSTRIP);
}

bool strips_before(const Vocabulary & vocabulary, Token token) {
    return has_attribute(vocabulary, token, LLAMA_TOKEN_ATTR_LSTRIP);
}

std::string_view without_leading_space(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
    return text;
}

std::string_view without_trailing_space(std::string_view text) {
    return text.substr(0, text.find_last_not_of(white_space) + 1);
}

std::optional<LeadingEnd> leading_end(const Vocabulary & vocabulary, std::string_view text) {
    const std::vector<Special> specials = special_tokens(vocabulary);
    const auto end_of = [&](std::string_view rest) -> std::optional<LeadingEnd> {
        const auto end = end_at_front(vocabulary, rest);
        return end ? std::optional(LeadingEnd{end->token, text.size() - rest.size() + end->text.size()}) : std::nullopt;
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
