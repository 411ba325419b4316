#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "gguf/libllama_load.h"
#include "gguf/pre_tokenizers.h"
#include "gguf/refusal.h"
#include "gguf/tiny_vocabulary.h"

namespace snapkv::gguf {
namespace {

using test::Bytes;
using test::TinyVocabulary;
using test::vocabulary_refusal;
using test::Writer;
using testing::HasSubstr;

/// What check_vocabulary says of a tiny vocabulary that `change` spoiled.
std::string spoiled(TinyVocabulary vocabulary, const std::function<void(TinyVocabulary &)> & change) {
    change(vocabulary);
    return vocabulary_refusal(vocabulary.written());
}

/// What it says of one with `add` written behind it.
std::string extended(const TinyVocabulary & vocabulary, const std::function<void(Writer &)> & add) {
    Writer writer = vocabulary.written();
    add(writer);
    return vocabulary_refusal(writer);
}

std::string bpe_with(const std::function<void(TinyVocabulary &)> & change) {
    return spoiled(TinyVocabulary::bpe(), change);
}
std::string spm_with(const std::function<void(TinyVocabulary &)> & change) {
    return spoiled(TinyVocabulary::spm(), change);
}

TEST(Vocabulary, TinyOnesPassAndLoad) {
    for (const TinyVocabulary & vocabulary : {TinyVocabulary::bpe(), TinyVocabulary::spm()}) {
        const test::TemporaryFile file(vocabulary.written().bytes());
        check_vocabulary(File::open(file.path()));
        EXPECT_TRUE(test::loads_in_libllama(file.path())) << vocabulary.model;
    }
}

TEST(Vocabulary, EveryKnownPreTokenizerLoadsInLibllama) {
    for (const PreTokenizer & pre : pre_tokenizers()) {
        TinyVocabulary vocabulary = TinyVocabulary::bpe();
        vocabulary.pre = pre.name;
        Writer writer = vocabulary.written();
        writer.u32("tokenizer.ggml.bos_token_id", 0).boolean("tokenizer.ggml.add_bos_token", true);
        const test::TemporaryFile file(writer.bytes());
        check_vocabulary(File::open(file.path()));
        EXPECT_TRUE(test::loads_in_libllama(file.path())) << pre.name;
    }
}

TEST(Vocabulary, EmptyAndCutTokensLoadAsLibllamaNamesThem) {
    TinyVocabulary vocabulary = TinyVocabulary::bpe();
    vocabulary.add("", 1);
    vocabulary.add(std::string("zero\0behind", 11), 1);
    const test::TemporaryFile file(vocabulary.written().bytes());
    check_vocabulary(File::open(file.path()));
    EXPECT_TRUE(test::loads_in_libllama(file.path()));
}

TEST(Vocabulary, MissingKeysAreRefused) {
    EXPECT_EQ(vocabulary_refusal(Writer().u32("k", 1)), "key 'general.architecture' is missing, expected str");
    EXPECT_THAT(vocabulary_refusal(Writer().string("general.architecture", "llama")),
                HasSubstr("key 'tokenizer.ggml.model' is missing"));
    EXPECT_THAT(
        vocabulary_refusal(Writer().string("general.architecture", "llama").string("tokenizer.ggml.model", "llama")),
        HasSubstr("key 'tokenizer.ggml.tokens' is missing"));
    Writer without_merges;
    without_merges.string("general.architecture", "llama").string("tokenizer.ggml.model", "gpt2");
    without_merges.strings("tokenizer.ggml.tokens", {"a"});
    EXPECT_THAT(vocabulary_refusal(without_merges), HasSubstr("key 'tokenizer.ggml.merges' is missing"));
}

TEST(Vocabulary, MistypedKeysAreRefused) {
    const TinyVocabulary tiny = TinyVocabulary::bpe();
    for (const char * key :
         {"tokenizer.chat_template", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id",
          "tokenizer.ggml.padding_token_id", "tokenizer.ggml.suppress_tokens", "tokenizer.ggml.scores",
          "tokenizer.ggml.middle_token_id", "tokenizer.ggml.normalizer.lowercase"}) {
        const std::string message =
            extended(tiny, [&](Writer & writer) { writer.raw(key, GGUF_TYPE_FLOAT64, Bytes().number<double>(1)); });
        EXPECT_THAT(message, HasSubstr(std::string("key '") + key + "' is f64, expected ")) << message;
    }
    Writer types;
    types.string("general.architecture", "llama").string("tokenizer.ggml.model", "llama");
    types.numbers<std::int32_t>("tokenizer.ggml.tokens", GGUF_TYPE_INT32, {1});
    EXPECT_THAT(vocabulary_refusal(types), HasSubstr("key 'tokenizer.ggml.tokens' is arr[i32], expected arr[str]"));
    EXPECT_THAT(vocabulary_refusal(Writer().u32("general.architecture", 1)), HasSubstr("expected str"));
}

TEST(Vocabulary, UnknownTokenizersAreNamed) {
    for (const char * model : {"bert", "t5", "rwkv", "no_vocab", "none", "plamo2", "gemma4", "test", "hybriddna", ""}) {
        EXPECT_EQ(
            spm_with([&](TinyVocabulary & vocabulary) { vocabulary.model = model; }),
            std::string("key 'tokenizer.ggml.model' names the tokenizer '") + model + "', expected 'llama' or 'gpt2'");
    }
    for (const char * pre : {"gpt-3", "whitespace", "GPT-2"}) {
        EXPECT_THAT(bpe_with([&](TinyVocabulary & vocabulary) { vocabulary.pre = pre; }),
                    HasSubstr(std::string("the pre-tokenizer '") + pre + "', which is not supported"));
    }
}

TEST(Vocabulary, ArraysOfUnequalLengthAreRefused) {
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) { vocabulary.types.pop_back(); }),
                HasSubstr("key 'tokenizer.ggml.token_type' has 264 elements, expected 265"));
    EXPECT_THAT(spm_with([](TinyVocabulary & vocabulary) { vocabulary.scores.pop_back(); }),
                HasSubstr("key 'tokenizer.ggml.scores' has 271 elements, expected 272"));
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) { vocabulary.tokens.clear(); }), HasSubstr("no tokens"));
}

TEST(Vocabulary, DuplicateTokensAreRefused) {
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) { vocabulary.add("he", 1); }),
                HasSubstr("has the token 'he' twice, as 256 and 265"));
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) { vocabulary.add(std::string("he\0x", 4), 1); }),
                HasSubstr("has the token 'he' twice"));
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) {
                    vocabulary.add("[EMPTY_266]", 1);
                    vocabulary.add("", 1);
                }),
                HasSubstr("has the token '[EMPTY_266]' twice"));
}

TEST(Vocabulary, MalformedMergesAreRefused) {
    for (const char * merge : {"", " ", "ab", "a ", " b"}) {
        EXPECT_THAT(bpe_with([&](TinyVocabulary & vocabulary) { vocabulary.merges.emplace_back(merge); }),
                    HasSubstr("expected two pieces with a space between"))
            << merge;
    }
}

TEST(Vocabulary, MissingAndMisspeltBytesAreRefused) {
    EXPECT_THAT(spm_with([](TinyVocabulary & vocabulary) { vocabulary.tokens[3 + 0xE4] = "other"; }),
                HasSubstr("token 231 is a byte by its type and 'other' by its text"));
    EXPECT_THAT(spm_with([](TinyVocabulary & vocabulary) {
                    vocabulary.tokens[3 + 0xE4] = "other";
                    vocabulary.types[3 + 0xE4] = 1;
                }),
                HasSubstr("has no token '<0xE4>', expected one for each byte"));
    EXPECT_THAT(bpe_with([](TinyVocabulary & vocabulary) { vocabulary.types[0] = 6; }),
                HasSubstr("a byte by its type"));
}

TEST(Vocabulary, IdsOutsideTheVocabularyAreRefused) {
    const TinyVocabulary tiny = TinyVocabulary::bpe();
    for (const char * key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eot_token_id",
                             "tokenizer.ggml.fim_sep_token_id", "tokenizer.ggml.prefix_token_id"}) {
        EXPECT_EQ(extended(tiny, [&](Writer & writer) { writer.u32(key, 265); }),
                  std::string("key '") + key + "' is 265, expected an id below 265, the number of tokens");
        EXPECT_EQ(extended(tiny, [&](Writer & writer) { writer.u32(key, 264); }), "not refused");
    }
}

TEST(Vocabulary, AddedTokensThatDoNotExistAreRefused) {
    const auto small = [](const char * pre) {
        TinyVocabulary vocabulary = TinyVocabulary::bpe();
        vocabulary.pre = pre;
        vocabulary.tokens.resize(5);
        vocabulary.types.resize(5);
        vocabulary.merges.clear();
        return vocabulary;
    };
    EXPECT_EQ(vocabulary_refusal(small("gpt-2").written()), "not refused");
    EXPECT_THAT(vocabulary_refusal(small("llama-bpe").written()),
                HasSubstr("'tokenizer.ggml.bos_token_id' is missing"));
    EXPECT_EQ(extended(small("llama-bpe"), [](Writer & w) { w.boolean("tokenizer.ggml.add_bos_token", false); }),
              "not refused");
    EXPECT_THAT(extended(small("gemma4"), [](Writer & w) { w.boolean("tokenizer.ggml.add_bos_token", false); }),
                HasSubstr("'tokenizer.ggml.bos_token_id' is missing"));
    EXPECT_THAT(extended(small("gpt-2"), [](Writer & w) { w.boolean("tokenizer.ggml.add_eos_token", true); }),
                HasSubstr("'tokenizer.ggml.eos_token_id' is missing"));
    TinyVocabulary glm = TinyVocabulary::bpe();
    glm.pre = "glm4";
    EXPECT_THAT(extended(glm, [](Writer & w) { w.boolean("tokenizer.ggml.add_bos_token", true); }),
                HasSubstr("'tokenizer.ggml.bos_token_id' is missing"));
}

TEST(Vocabulary, ModelsNamedPhi3NeedItsTokens) {
    Writer writer;
    writer.string("general.architecture", "llama").string("general.name", "My PHI-3 mini");
    writer.string("tokenizer.ggml.model", "gpt2");
    writer.strings("tokenizer.ggml.tokens", {"a"}).strings("tokenizer.ggml.merges", {});
    EXPECT_THAT(vocabulary_refusal(writer), HasSubstr("no token '</s>'"));
}

TEST(Vocabulary, TokensThatDecodeBeyondMeasureAreRefused) {
    std::string token;
    for (int i = 0; i < 20000; ++i) {
        token += "\u4e2d";
    }
    EXPECT_THAT(bpe_with([&](TinyVocabulary & vocabulary) { vocabulary.add(token, 1); }),
                HasSubstr("too much text outside the byte alphabet, up to token 265 of 60000 bytes"));
}

}  // namespace
}  // namespace snapkv::gguf
