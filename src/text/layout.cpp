#include "text/layout.h"

#include <iterator>
#include <string>

#include "text/partition.h"
#include "text/plain_text.h"

namespace snapkv::text {

Layout lay_out(const Vocabulary & vocabulary, std::string_view before, std::string_view message,
               std::string_view after) {
    Layout layout;
    layout.stretches = split_at_controls(vocabulary, before);
    if (layout.stretches.empty() || layout.stretches.back().control) {
        layout.stretches.emplace_back();
    }
    layout.message = layout.stretches.size() - 1;
    std::string & home = layout.stretches.back().plain;
    layout.offset = home.size();
    home += message;

    std::vector<Stretch> rest = split_at_controls(vocabulary, after);
    auto first = rest.begin();
    if (first != rest.end() && !first->control) {
        home += first->plain;
        ++first;
    }
    layout.stretches.insert(layout.stretches.end(), std::make_move_iterator(first),
                            std::make_move_iterator(rest.end()));
    return layout;
}

StretchTokens tokenize_stretch(const Vocabulary & vocabulary, const Layout & layout, std::size_t index,
                               const Context & context, std::size_t most) {
    const Stretch & stretch = layout.stretches[index];
    StretchTokens result;
    if (stretch.control) {
        result.tokens.push_back(*stretch.control);
        return result;
    }
    result.text = stretch.plain;
    const std::optional<Token> previous = index > 0 ? layout.stretches[index - 1].control : context.control;
    if (previous && vocabulary.strips_after(*previous)) {
        result.text = without_leading_space(result.text);
        result.swallowed = stretch.plain.size() - result.text.size();
    }
    if (index + 1 < layout.stretches.size() && vocabulary.strips_before(*layout.stretches[index + 1].control)) {
        result.text = without_trailing_space(result.text);
    }
    const bool continues = index == 0 && context.plain;
    result.tokens =
        continues ? continue_text(vocabulary, result.text) : vocabulary.tokenize(result.text, false, false, most);
    return result;
}

}  // namespace snapkv::text
