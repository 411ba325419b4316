#pragma once

#include <map>
#include <string>

#include "text/vocabulary.h"

namespace snapkv::test {

/// Each file's tokenizer, loaded once for all tests.
inline const text::Vocabulary & vocabulary_at(const std::string & path) {
    static std::map<std::string, text::Vocabulary> loaded;
    const auto found = loaded.find(path);
    return found != loaded.end() ? found->second
                                 : loaded.emplace(path, text::Vocabulary::load(gguf::File::open(path))).first->second;
}

/// One of llama.cpp's vocabulary files, for instance "llama-spm".
inline std::string vocabulary_path(const std::string & name) {
    return std::string(SNAPKV_TEST_VOCABULARIES) + "/ggml-vocab-" + name + ".gguf";
}

inline const text::Vocabulary & vocabulary(const std::string & name) {
    return vocabulary_at(vocabulary_path(name));
}

inline const text::Vocabulary & model_vocabulary() {
    return vocabulary_at(SNAPKV_TEST_MODEL);
}

/// The text of tokens, control tokens included.
inline std::string text_of(const text::Vocabulary & vocabulary, const std::vector<text::Token> & tokens) {
    std::string text;
    for (const text::Token token : tokens) {
        text += vocabulary.piece(token, true);
    }
    return text;
}

}  // namespace snapkv::test
