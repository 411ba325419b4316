#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "gguf/temporary_file.h"
#include "gguf/tiny_vocabulary.h"
#include "llama.h"
#include "text/vocabulary.h"

namespace snapkv::test {

inline text::Vocabulary load_bytes(const std::string & bytes, const text::VocabularyOptions & options = {}) {
    const TemporaryFile file(bytes);
    return text::Vocabulary::load(gguf::File::open(file.path()), options);
}

inline text::Vocabulary load(const TinyVocabulary & tiny, const text::VocabularyOptions & options = {}) {
    return load_bytes(tiny.written().u32("tokenizer.ggml.bos_token_id", 1).bytes(), options);
}

/// A vocabulary in which a word that was split elsewhere than by libllama shows: pieces merge over blanks, line breaks
/// and full stops.
inline TinyVocabulary merging_tiny(const std::string & pre) {
    TinyVocabulary tiny = TinyVocabulary::bpe();
    tiny.pre = pre;
    // U+0120, U+010A and U+010D stand for a blank, a line feed and a carriage return.
    for (const auto & [left, right] : std::vector<std::pair<std::string, std::string>>{{"\u010A", "\u010A"},
                                                                                       {"\u0120", "\u0120"},
                                                                                       {"\u010D", "\u010A"},
                                                                                       {".", "\u010A"},
                                                                                       {"\u0120", "\u010A"},
                                                                                       {"\u010A", "\u0120"},
                                                                                       {"o", "\u010A"},
                                                                                       {"o", "\u0120"},
                                                                                       {"\u010A", "h"},
                                                                                       {"\u0120", "h"},
                                                                                       {"1", "1"}}) {
        tiny.merges.push_back(fmt::format("{} {}", left, right));
        tiny.add(left + right, 1);
    }
    return tiny;
}

/// What libllama itself makes of a text.
inline std::vector<text::Token> libllama_tokens(const text::Vocabulary & vocabulary, std::string_view text,
                                                bool add_special, bool parse_special) {
    std::vector<text::Token> tokens(2 * text.size() + 16);
    const int count =
        llama_tokenize(vocabulary.raw(), text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                       static_cast<std::int32_t>(tokens.size()), add_special, parse_special);
    tokens.resize(static_cast<std::size_t>(count));
    return tokens;
}

}  // namespace snapkv::test
