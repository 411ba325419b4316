#include "text/layout.h"

#include <cassert>
#include <iterator>
#include <string>

#include "text/partition.h"
#include "text/plain_text.h"

namespace snapkv::text {

namespace {

/// Adds a template's text behind what is there, in the same stretch where plain text meets plain text.
void add_template_text(const Vocabulary & vocabulary, std::string_view text, std::vector<Stretch> & stretches) {
    std::vector<Stretch> more = split_at_controls(vocabulary, text);
    auto first = more.begin();
    if (first != more.end() && !first->control && !stretches.empty() && !stretches.back().control) {
        stretches.back().plain += first->plain;
        ++first;
    }
    stretches.insert(stretches.end(), std::make_move_iterator(first), std::make_move_iterator(more.end()));
}

}  // namespace

Layout lay_out(const Vocabulary & vocabulary, std::span<const std::string> around,
               std::span<const std::string_view> messages) {
    assert(around.size() == messages.size() + 1);
    Layout layout;
    add_template_text(vocabulary, around.front(), layout.stretches);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (layout.stretches.empty() || layout.stretches.back().control) {
            layout.stretches.emplace_back();
        }
        std::string & home = layout.stretches.back().plain;
        layout.messages.push_back({layout.stretches.size() - 1, home.size()});
        home += messages[i];
        add_template_text(vocabulary, around[i + 1], layout.stretches);
    }
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
