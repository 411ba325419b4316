// Texts of which libllama's tokenizers would take too much stack, time or patience.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/pre_tokenizers.h"
#include "support/error_of.h"
#include "support/sanitizers.h"
#include "text/splitting.h"
#include "tiny_loaded.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

std::string repeated(std::string_view text, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
        all += text;
    }
    return all;
}

/// Calls `work` on a thread with as small a stack as a host may have given it.
void on_small_stack(const std::function<void()> & work) {
    pthread_attr_t attributes;
    pthread_t thread{};
    pthread_attr_init(&attributes);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} << 10U), 0);
    const auto run = [](void * data) -> void * {
        (*static_cast<const std::function<void()> *>(data))();
        return nullptr;
    };
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): pthread takes no pointer to const
    ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()> *>(&work)), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

const std::vector<std::pair<std::string, std::string>> & runs() {
    static const std::vector<std::pair<std::string, std::string>> all{{"letters", "A"},
                                                                      {"small letters", "a"},
                                                                      {"blanks", " "},
                                                                      {"dots", "."},
                                                                      {"digits", "1"},
                                                                      {"line breaks", "\n"},
                                                                      {"CJK", "\u4E00"},
                                                                      {"marks", "\u0301"},
                                                                      {"letters with marks", "a\u0301"},
                                                                      {"wide blanks", "\u3000"},
                                                                      {"words", "a b "},
                                                                      {"returns", "\r\n"},
                                                                      {"tabs", "\t"},
                                                                      {"quotes", "'s"},
                                                                      {"symbols", "\U0001F600"}};
    return all;
}

// ThreadSanitizer's own stack of calls has an end that libllama's recursion reaches.
#if defined(__SANITIZE_THREAD__)
constexpr bool may_recurse = false;
#else
constexpr bool may_recurse = true;
#endif

class PreTokenizers : public testing::TestWithParam<gguf::PreTokenizer> {
protected:
    void SetUp() override {
        if (!may_recurse) {
            GTEST_SKIP() << "too deep for ThreadSanitizer";
        }
    }
    static std::string name() { return std::string(GetParam().name); }
};

// 30,000 characters of recursion overflow the usual stack of 8 MiB.
TEST_P(PreTokenizers, TakeLongRunsOnAnyThread) {
    test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
    tiny.pre = name();
    const Vocabulary vocabulary = test::load(tiny);
    // The byte alphabet is not theirs, and they do not recurse.
    const bool takes_raw_utf8 = name() == "gemma4" || name() == "sarvam-moe" || name() == "granite-embed-multi-311m";
    for (const auto & [what, run] : runs()) {
        if (name() == "superbpe" && what == "digits") {
            continue;  // refused: see below
        }
        const std::string text = repeated(run, 30000);
        std::vector<Token> tokens;
        on_small_stack([&] { tokens = vocabulary.tokenize(text, false, false); });
        if (takes_raw_utf8) {
            EXPECT_EQ(tokens, test::libllama_tokens(vocabulary, text, false, false)) << what;
        } else {
            EXPECT_TRUE(test::text_of(vocabulary, tokens) == text) << what;
        }
    }
}

// Cut wherever it may be cut, a text gives the tokens of the whole.
TEST_P(PreTokenizers, GiveTheSameTokensInPieces) {
    const Vocabulary vocabulary = test::load(test::merging_tiny(name()));
    std::string text;
    for (const char * part :
         {"hello world\nhello.\nhello hello", "\r\nhello\n\nhello  \nhello \n hello", "111\nhello\t\nhello 11 11,\nh",
          "ello\u4E00\u3002\n\u4E00\u4E01\u00A0\nhello\n\u00A0hello\u3000\n", "it's hello's\n's HELLO hello\n!!\n??\n",
          "hello \n\n\nhello\n)hello a\u0301\nb\u0301\n\u0301hello world hello\n", "hello world hello world"}) {
        text += part;
    }
    const Cuts cuts = splitting_of(vocabulary).cuts;
    std::vector<Token> in_pieces;
    std::size_t pieces = 0;
    for (std::string_view rest = text; !rest.empty(); ++pieces) {
        const std::string_view piece = next_piece(rest, cuts, 1);
        const std::vector<Token> tokens = vocabulary.tokenize(piece, false, false);
        in_pieces.insert(in_pieces.end(), tokens.begin(), tokens.end());
        rest.remove_prefix(piece.size());
    }
    EXPECT_EQ(in_pieces, test::libllama_tokens(vocabulary, text, false, false));
    EXPECT_EQ(pieces > 1, cuts != Cuts::None);
    EXPECT_EQ(pieces > 14, cuts == Cuts::NewlinesAndBlanks) << pieces;
}

std::string pre_tokenizer_name(const testing::TestParamInfo<gguf::PreTokenizer> & info) {
    std::string name(info.param.name.empty() ? "none" : info.param.name);
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(All, PreTokenizers,
                         testing::ValuesIn(gguf::pre_tokenizers().begin(), gguf::pre_tokenizers().end()),
                         pre_tokenizer_name);

TEST(LongText, AMegabyteOfOneLetterIsTokenised) {
    if (!may_recurse) {
        GTEST_SKIP() << "too deep for ThreadSanitizer";
    }
    for (const char * pre : {"gpt-4o", "tekken", "deepseek-llm", "exaone-moe"}) {
        test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
        tiny.pre = pre;
        const Vocabulary vocabulary = test::load(tiny);
        EXPECT_EQ(vocabulary.tokenize(std::string(1'000'000, 'A'), false, false).size(), 1'000'000U) << pre;
    }
}

std::string refusal(const std::string & pre, const std::string & text) {
    test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
    tiny.pre = pre;
    const Vocabulary vocabulary = test::load(tiny);
    return test::error_of(ErrorKind::Input, [&] { static_cast<void>(vocabulary.tokenize(text, false, false)); });
}

TEST(LongText, WhatWouldTakeTooMuchIsRefused) {
    EXPECT_EQ(refusal("gpt-4o", "two words " + std::string(1'200'000, 'A')),
              "the text has 1200000 bytes without a break, from byte 10; this tokenizer takes at most 1048576");
    EXPECT_EQ(refusal("superbpe", "x" + std::string(30'000, '1')),
              "the text has too many digits in a row: 30000 of them, up to byte 30001, would keep this tokenizer busy "
              "for minutes");
    EXPECT_EQ(refusal("deepseek-llm", std::string(30'000, ' ') + "\u4E00"),
              "the text has too many blanks in a row: 30000 of them, up to byte 30000, would keep this tokenizer busy "
              "for minutes");
    EXPECT_EQ(
        refusal("jais-2", std::string(900'000, ' ')),
        "the text has too many blanks in a row: 900000 of them, up to byte 900000, would keep this tokenizer busy "
        "for minutes");
}

TEST(LongText, OnlyWhatTakesLongIsRefused) {
    const std::vector<std::pair<std::string, std::string>> texts{{"deepseek-llm", std::string(20'000, '\n') + "\u4E00"},
                                                                 {"deepseek-llm", std::string(20'000, ' ') + "x"},
                                                                 {"jais-2", std::string(300'000, '\n')},
                                                                 {"jais-2", std::string(20'000, ' ')},
                                                                 {"superbpe", std::string(400, '1')},
                                                                 {"gpt-4o", std::string(20'000, ' ') + "\u4E00"}};
    for (const auto & [pre, text] : texts) {
        test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
        tiny.pre = pre;
        const Vocabulary vocabulary = test::load(tiny);
        EXPECT_TRUE(test::text_of(vocabulary, vocabulary.tokenize(text, false, false)) == text) << pre;
    }
}

TEST(LongText, SeveralPiecesGiveLibllamasTokens) {
    std::string text;
    for (int i = 0; text.size() < 150'000; ++i) {
        text += "Line " + std::to_string(i) + " of it, with words; it isn't short.\n" +
                (i % 7 == 0 ? "\n  - \u4E00\u4E8C\n" : "");
    }
    for (const char * name : {"llama-spm", "phi-3", "llama-bpe", "qwen2", "gpt-2", "gemma-4", "deepseek-llm"}) {
        const Vocabulary & vocabulary = test::vocabulary(name);
        EXPECT_EQ(vocabulary.tokenize(text, true, false), test::libllama_tokens(vocabulary, text, true, false)) << name;
    }
}

TEST(LongText, EndsSoonAfterTheMostTokensThatAreWanted) {
    const Vocabulary & vocabulary = test::vocabulary("llama-spm");
    const std::string text = repeated("Some words on a line.\n", 1'000'000);
    const std::size_t all = vocabulary.tokenize(text, true, false).size();
    const std::size_t some = vocabulary.tokenize(text, true, false, 5000).size();
    EXPECT_GT(some, 5000U);
    EXPECT_LT(some, all / 8);
}

TEST(LongText, AStopFlagEndsIt) {
    std::atomic<bool> stop{false};
    const Vocabulary vocabulary = test::load(test::TinyVocabulary::bpe(), {.warn = {}, .stop = &stop});
    EXPECT_EQ(vocabulary.tokenize("hello", false, false).size(), 1U);
    stop = true;
    EXPECT_EQ(
        test::error_of(ErrorKind::Interrupted, [&] { static_cast<void>(vocabulary.tokenize("hello", false, false)); }),
        "interrupted while a text was tokenised");
}

// libllama walks its list of parts from the beginning for each special token that it finds.
TEST(LongText, ManySpecialTokensAreFound) {
    test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
    constexpr std::int32_t user_defined = 4;
    tiny.add("<tag>", user_defined);
    const Vocabulary vocabulary = test::load(tiny);
    const std::string text = repeated("<tag>h", 1'200'000);
    const std::vector<Token> tokens = vocabulary.tokenize(text, false, false);
    ASSERT_EQ(tokens.size(), 400'000U);
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), tokens.front()), 200'000);
    EXPECT_EQ(test::text_of(vocabulary, {tokens.begin(), tokens.begin() + 4}), "<tag>h<tag>h");

    const std::vector<Token> parsed = vocabulary.tokenize(repeated("<|im_start|>h", 1'300'000), false, true);
    ASSERT_EQ(parsed.size(), 200'000U);
    EXPECT_TRUE(vocabulary.is_control(parsed.front()));
}

TEST(LongText, SpecialTokensAreThoseThatLibllamaFinds) {
    for (const char * name : {"phi-3", "llama-spm", "llama-bpe", "qwen2", "gemma-4", "gpt-neox", "command-r"}) {
        if (std::string_view(name) == "gpt-neox") {
            continue;  // its pre-tokenizer is not supported
        }
        const Vocabulary & vocabulary = test::vocabulary(name);
        ASSERT_FALSE(vocabulary.specials().empty());
        std::uint32_t state = 7;
        const auto next = [&](std::size_t below) {
            state = state * 1664525U + 1013904223U;
            return static_cast<std::size_t>(state >> 8U) % below;
        };
        for (int round = 0; round < 60; ++round) {
            std::string text;
            for (int i = 0; i < 12; ++i) {
                constexpr const char * around[] = {"", " ", "\n", "word", "<", "  two words ", "\t"};
                text += around[next(std::size(around))];
                text += vocabulary.specials()[next(std::min<std::size_t>(vocabulary.specials().size(), 300))].text;
            }
            for (const bool parse : {true, false}) {
                const std::vector<Token> direct = test::libllama_tokens(vocabulary, text, true, parse);
                const bool merged =
                    !parse && std::any_of(direct.begin() + (vocabulary.adds_bos() ? 1 : 0), direct.end(),
                                          [&](Token t) { return vocabulary.is_control(t); });
                if (!merged) {
                    ASSERT_EQ(vocabulary.tokenize(text, true, parse), direct) << name << ": " << text;
                }
            }
        }
    }
}

}  // namespace
}  // namespace snapkv::text
