#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::test {

/// A family's chat format: a template of the project's own wording in the manner of the family's, the special tokens
/// that it is written with, and what the family's documentation says comes of it.
struct ChatFamily {
    std::string name;
    std::vector<std::string> controls;  ///< special tokens, the first of which begins texts where `adds_bos`
    std::string end;                    ///< the token that ends answers; one of `controls`
    bool adds_bos = false;
    std::string source;

    std::string first;                      ///< the prompt for the message "Who?"
    std::string after_end;                  ///< what the message "Why?" adds to an answer that ended with its end token
    std::string after_cut;                  ///< and to one that was cut
    std::vector<std::string> markers = {};  ///< tokens of the user-defined kind
};

inline void PrintTo(const ChatFamily & family, std::ostream * out) {
    *out << family.name;
}

[[nodiscard]] std::vector<ChatFamily> chat_families();

/// Single bytes and the family's special tokens.
[[nodiscard]] text::Vocabulary vocabulary_of(const ChatFamily & family);

}  // namespace snapkv::test
