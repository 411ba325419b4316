#include "gguf/tiny_vocabulary.h"

#include <fmt/core.h>

namespace snapkv::test {
namespace {

constexpr std::int32_t normal = 1;
constexpr std::int32_t unknown = 2;
constexpr std::int32_t control = 3;
constexpr std::int32_t byte = 6;

/// The character that stands for a byte in GPT-2's alphabet, in UTF-8.
std::string byte_character(unsigned value, unsigned & next_free) {
    const bool itself = (value > 0x20 && value < 0x7F) || (value > 0xA0 && value != 0xAD);
    const unsigned character = itself ? value : next_free++;
    if (character < 0x80) {
        return std::string(1, static_cast<char>(character));
    }
    return {static_cast<char>(0xC0U | (character >> 6U)), static_cast<char>(0x80U | (character & 0x3FU))};
}

}  // namespace

void TinyVocabulary::add(const std::string & token, std::int32_t type, float score) {
    tokens.push_back(token);
    types.push_back(type);
    scores.push_back(score);
}

TinyVocabulary TinyVocabulary::bpe() {
    TinyVocabulary vocabulary;
    vocabulary.model = "gpt2";
    vocabulary.pre = "gpt-2";
    unsigned next_free = 0x100;
    for (unsigned value = 0; value < 256; ++value) {
        vocabulary.add(byte_character(value, next_free), normal);
    }
    for (const auto & [left, right] : {std::pair{"h", "e"},
                                       {"l", "l"},
                                       {"he", "ll"},
                                       {"hell", "o"},
                                       {"\u0120", "w"},
                                       {"o", "r"},
                                       {"\u0120w", "or"}}) {
        vocabulary.merges.push_back(fmt::format("{} {}", left, right));
        vocabulary.add(fmt::format("{}{}", left, right), normal);
    }
    vocabulary.add("<|endoftext|>", control);
    vocabulary.add("<|im_start|>", control);
    return vocabulary;
}

TinyVocabulary TinyVocabulary::spm() {
    TinyVocabulary vocabulary;
    vocabulary.model = "llama";
    vocabulary.pre = "default";
    vocabulary.add("<unk>", unknown);
    vocabulary.add("<s>", control);
    vocabulary.add("</s>", control);
    for (unsigned value = 0; value < 256; ++value) {
        vocabulary.add(fmt::format("<0x{:02X}>", value), byte);
    }
    float score = 0;
    for (const char * word : {"\u2581", "e", "l", "o", "h", "w", "r", "ll", "he", "hell", "hello", "\u2581w", "or"}) {
        vocabulary.add(word, normal, score -= 1);
    }
    return vocabulary;
}

Writer TinyVocabulary::written() const {
    Writer writer;
    writer.string("general.architecture", "llama").string("general.name", "tiny");
    writer.string("tokenizer.ggml.model", model).string("tokenizer.ggml.pre", pre);
    writer.strings("tokenizer.ggml.tokens", tokens);
    writer.numbers("tokenizer.ggml.token_type", GGUF_TYPE_INT32, types);
    if (model == "llama") {
        writer.numbers("tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores);
    } else {
        writer.strings("tokenizer.ggml.merges", merges);
    }
    return writer;
}

}  // namespace snapkv::test
