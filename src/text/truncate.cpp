#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/raise.h"
#include "snapkv/model.h"

namespace snapkv {
namespace {

/// One past the last token that all prompts have in common from their beginning.
std::size_t common_prefix(const std::vector<Prompt> & prompts) {
    const std::vector<Token> & first = prompts.front().tokens;
    std::size_t length = first.size();
    for (const Prompt & prompt : prompts) {
        const auto [a, b] = std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(length),
                                          prompt.tokens.begin(), prompt.tokens.end());
        length = static_cast<std::size_t>(a - first.begin());
    }
    return length;
}

}  // namespace

void truncate_middle(std::vector<Prompt> & prompts, std::size_t count) {
    if (prompts.empty() || count == 0) {
        return;
    }
    std::size_t begin = 0;
    std::size_t end = common_prefix(prompts);
    for (const Prompt & prompt : prompts) {
        begin = std::max(begin, prompt.document_begin);
        end = std::min(end, prompt.document_end);
    }
    const std::size_t available = end > begin ? end - begin : 0;
    if (count > available) {
        raise_input("cannot drop {} tokens from the middle of the document: it has only {}", count, available);
    }
    // Of what stays, the beginning gets the odd token.
    const std::size_t first = begin + (available - count + 1) / 2;
    for (Prompt & prompt : prompts) {
        const auto from = prompt.tokens.begin() + static_cast<std::ptrdiff_t>(first);
        prompt.tokens.erase(from, from + static_cast<std::ptrdiff_t>(count));
        prompt.document_end -= count;
        prompt.question_begin -= count;
    }
}

}  // namespace snapkv
