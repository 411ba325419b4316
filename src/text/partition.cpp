#include "text/partition.h"

#include <algorithm>

#include "text/characters.h"

namespace snapkv::text {
namespace {

void cut_at(const Vocabulary & vocabulary, const Special & special, Spaces spaces, std::string_view text,
            std::vector<Part> & parts) {
    const bool strips_before = spaces == Spaces::Swallowed && vocabulary.strips_before(special.token);
    const bool strips_after = spaces == Spaces::Swallowed && vocabulary.strips_after(special.token);
    for (std::size_t found; (found = text.find(special.text)) != std::string_view::npos;) {
        std::string_view left = text.substr(0, found);
        if (strips_before) {
            left = without_trailing_space(left);
        }
        if (!left.empty()) {
            parts.push_back({.text = left});
        }
        parts.push_back({.text = text.substr(found, special.text.size()), .special = &special});
        text.remove_prefix(found + special.text.size());
        if (strips_after) {
            text = without_leading_space(text);
        }
    }
    if (!text.empty()) {
        parts.push_back({.text = text});
    }
}

}  // namespace

std::vector<Part> partition(const Vocabulary & vocabulary, std::string_view text, Wanted wanted, Spaces spaces) {
    std::vector<Part> parts;
    if (!text.empty()) {
        parts.push_back({.text = text});
    }
    std::vector<Part> cut;
    for (const Special & special : vocabulary.specials()) {
        vocabulary.check_stop();
        if ((wanted == Wanted::UserDefined && !special.user_defined) ||
            text.find(special.text) == std::string_view::npos) {
            continue;
        }
        cut.clear();
        for (const Part & part : parts) {
            if (part.special != nullptr) {
                cut.push_back(part);
            } else {
                cut_at(vocabulary, special, spaces, part.text, cut);
            }
        }
        parts.swap(cut);
    }
    return parts;
}

std::string_view without_leading_space(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(ascii_white_space), text.size()));
    return text;
}

std::string_view without_trailing_space(std::string_view text) {
    return text.substr(0, text.find_last_not_of(ascii_white_space) + 1);
}

}  // namespace snapkv::text
