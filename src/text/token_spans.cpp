#include "text/token_spans.h"

#include <algorithm>
#include <string>

#include "text/characters.h"

namespace snapkv::text {
namespace {

/// Offset just behind the byte of `text`, at or after `offset`, that the piece's byte `c` stands for; `offset` itself
/// where it stands for none.
std::size_t follow(std::string_view text, std::size_t offset, char c) {
    const std::string_view rest = text.substr(offset);
    if (rest.empty() || rest.front() == c) {
        return offset + (rest.empty() ? 0 : 1);
    }
    if (c == ' ') {
        return offset + (rest.starts_with(visible_space) ? visible_space.size() : 0);
    }
    const std::size_t swallowed = std::min(rest.find_first_not_of(ascii_white_space), rest.size());
    const bool found = swallowed < rest.size() && rest[swallowed] == c;
    return offset + (found ? swallowed : 0) + 1;
}

}  // namespace

std::vector<TokenSpan> token_spans(const Vocabulary & vocabulary, std::string_view text,
                                   std::span<const Token> tokens) {
    std::vector<TokenSpan> spans;
    spans.reserve(tokens.size());
    std::size_t offset = 0;
    for (const Token token : tokens) {
        TokenSpan span{.begin = offset, .end = offset};
        for (const char c : vocabulary.piece(token)) {
            const std::size_t next = follow(text, span.end, c);
            if (span.begin == span.end && next > span.end) {
                span.begin = c == ' ' ? span.end : next - 1;
            }
            span.end = next;
        }
        offset = span.end;
        spans.push_back(span);
    }
    return spans;
}

}  // namespace snapkv::text
