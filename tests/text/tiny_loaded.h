#pragma once

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/temporary_file.h"
#include "gguf/tiny_vocabulary.h"
#include "llama.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace snapkv::test {

inline text::Vocabulary load_bytes(const std::string & bytes, const text::VocabularyOptions & options = {}) {
    const TemporaryFile file(bytes);
    return text::Vocabulary::load(gguf::File::open(file.path()), options);
}

inline text::Vocabulary load(const TinyVocabulary & tiny, const text::VocabularyOptions & options = {}) {
    return load_bytes(tiny.written().u32("tokenizer.ggml.bos_token_id", 1).bytes(), options);
}

/// Characters, and some strings of them, that pre-tokenizers tell apart.
inline const std::vector<std::string> & awkward_texts() {
    static const std::vector<std::string> texts{
        "a",      "B",      "hello",  "'s",     "'LL",    "1",      "23",     "4567",   "\u0661",     "\u00BD",
        " ",      "  ",     "    ",   "\n",     "\n\n",   "\r\n",   "\r",     "\t",     "\v",         "\u3000",
        "\u00A0", "\u0085", "\u2028", "\u4E00", "\u4E8C", "\u3042", "\u30FB", "\uAC00", "\u0E01",     "\u0301",
        "\u0903", "\u0635", "\u0436", "\u01C5", "\u00E9", ".",      ",",      ";",      "/",          "//",
        "(",      ")",      "|",      "!",      "`",      "$",      "~",      "<",      "\"",         "-",
        "_",      "\u2026", "\u3002", "\uFF0C", "\u060C", "\u0964", "\u2581", "\u200B", "\U0001F600", "\u20AC",
        "\x01",   "\x7F",   " a",     "\n/",    ";\n"};
    return texts;
}

/// A vocabulary in which a word that was split elsewhere than by libllama shows: any two neighbours in awkward texts
/// merge, be they bytes in GPT-2's alphabet or, `raw_utf8`, characters with U+2581 for a blank.
inline TinyVocabulary merging_tiny(const std::string & pre, bool raw_utf8) {
    TinyVocabulary tiny = TinyVocabulary::bpe();
    tiny.pre = pre;
    std::set<std::string> symbols;
    for (const std::string & text : awkward_texts()) {
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t bytes = raw_utf8 ? text::first_unit(rest).bytes : 1;
            const std::string raw(rest.substr(0, bytes));
            symbols.insert(!raw_utf8    ? tiny.tokens[static_cast<unsigned char>(raw.front())]
                           : raw == " " ? "\u2581"
                                        : raw);
            rest.remove_prefix(bytes);
        }
    }
    std::set<std::string> known(tiny.tokens.begin(), tiny.tokens.end());
    const auto add = [&](const std::string & token) {
        if (known.insert(token).second) {
            tiny.add(token, 1);
        }
    };
    for (const std::string & left : symbols) {
        add(left);
        for (const std::string & right : symbols) {
            tiny.merges.push_back(fmt::format("{} {}", left, right));
            add(left + right);
        }
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
