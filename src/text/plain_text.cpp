#include "text/plain_text.h"

#include <algorithm>
#include <string>

#include "llama.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

bool puts_space_before_text(const Vocabulary & vocabulary) {
    if (llama_vocab_type(vocabulary.raw()) != LLAMA_VOCAB_TYPE_SPM) {
        return false;
    }
    const std::vector<Token> tokens = vocabulary.tokenize("a", false, false);
    return !tokens.empty() && vocabulary.piece(tokens.front()).starts_with(' ');
}

}  // namespace

std::vector<Token> continue_text(const Vocabulary & vocabulary, std::string_view text) {
    if (!text.empty() && puts_space_before_text(vocabulary)) {
        // The space lands before a line break, whose tokens are then taken off again: nothing merges across one.
        const std::vector<Token> guard = vocabulary.tokenize("\n", false, false);
        std::vector<Token> tokens = vocabulary.tokenize(std::string("\n").append(text), false, false);
        if (tokens.size() >= guard.size() && std::equal(guard.begin(), guard.end(), tokens.begin())) {
            tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(guard.size()));
            return tokens;
        }
    }
    return vocabulary.tokenize(text, false, false);
}

std::size_t spell_out(const Vocabulary & vocabulary, std::vector<Token> & tokens, std::size_t index) {
    const std::string_view text = llama_vocab_get_text(vocabulary.raw(), tokens[index]);
    const std::size_t first = text.empty() ? 0 : first_unit(text).bytes;
    if (first == text.size()) {
        return 1;  // a control token of one character has no parts
    }
    std::vector<Token> parts = continue_text(vocabulary, text.substr(0, first));
    const std::vector<Token> rest = continue_text(vocabulary, text.substr(first));
    parts.insert(parts.end(), rest.begin(), rest.end());

    const auto place = tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(index));
    tokens.insert(place, parts.begin(), parts.end());
    return parts.size();
}

}  // namespace snapkv::text
