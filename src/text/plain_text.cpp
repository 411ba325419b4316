#include "text/plain_text.h"

#include <algorithm>
#include <string>

#include "llama.h"
#include "text/utf8.h"

namespace snapkv::text {

std::vector<Token> continue_text(const Vocabulary & vocabulary, std::string_view text, bool parse_special) {
    const std::span<const Token> guard = vocabulary.guard();
    if (!text.empty() && !guard.empty()) {
        std::vector<Token> tokens = vocabulary.tokenize(std::string("\n").append(text), false, parse_special);
        if (tokens.size() >= guard.size() && std::equal(guard.begin(), guard.end(), tokens.begin())) {
            tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(guard.size()));
            return tokens;
        }
    }
    return vocabulary.tokenize(text, false, parse_special);
}

std::vector<Token> spelled_out(const Vocabulary & vocabulary, Token token) {
    const std::string_view text = llama_vocab_get_text(vocabulary.raw(), token);
    const std::size_t first = text.empty() ? 0 : first_unit(text).bytes;
    if (first == text.size()) {
        return {token};  // a control token of one character has no parts
    }
    std::vector<Token> parts = continue_text(vocabulary, text.substr(0, first));
    const std::vector<Token> rest = continue_text(vocabulary, text.substr(first));
    parts.insert(parts.end(), rest.begin(), rest.end());
    return parts;
}

}  // namespace snapkv::text
