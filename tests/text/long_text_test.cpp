// Texts of which libllama's tokenizers would take too much stack, time or patience.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "pre_tokenizer_groups.h"
#include "processor_time.h"
#include "support/child.h"
#include "support/error_of.h"
#include "support/sanitizers.h"
#include "text/partition.h"
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

class PreTokenizers : public testing::TestWithParam<test::PreTokenizerGroup> {
protected:
    void SetUp() override {
        if (test::kThreadSanitized) {
            GTEST_SKIP() << "too deep for ThreadSanitizer";
        }
    }
    static std::string name() { return std::string(GetParam().names.front()); }
    static Vocabulary load() {
        test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
        tiny.pre = name();
        return test::load(tiny);
    }
};

/// A megabyte of what is likely, where libllama recurses; else 30,000, of which the recursion overflows 8 MiB.
/// scripts/nightly asks for a megabyte of everything.
std::size_t run_bytes(const test::PreTokenizerGroup & group, const std::string & what) {
    constexpr std::array likely{"letters", "blanks", "dots", "CJK", "marks"};
    const char * asked = std::getenv("SNAPKV_TEST_RUN_BYTES");
    if (asked != nullptr) {
        return std::stoul(asked);
    }
    const bool is_long = group.recurses && !test::kSanitized && std::ranges::find(likely, what) != likely.end();
    return is_long ? 1'000'000 : 30'000;
}

/// What is refused because its time grows with the square of its length.
bool takes_minutes(const std::string & name, const std::string & what, std::size_t bytes) {
    const std::size_t characters = what == "wide blanks" ? bytes / 3 : bytes;
    return (name == "superbpe" && what == "digits") ||
           (name == "jais-2" && (what == "blanks" || what == "tabs" || what == "wide blanks") &&
            characters * characters / 512 > 100'000'000);
}

TEST_P(PreTokenizers, TakeLongRunsOnAnyThread) {
    const Vocabulary vocabulary = load();
    for (const auto & [what, run] : runs()) {
        const std::string text = repeated(run, run_bytes(GetParam(), what));
        std::vector<Token> tokens;
        std::string refused;
        on_small_stack([&] {
            try {
                tokens = vocabulary.tokenize(text, false, false);
            } catch (const Error & error) {
                refused = error.what();
            }
        });
        if (takes_minutes(name(), what, text.size())) {
            EXPECT_THAT(refused, testing::HasSubstr(" in a row, ending at byte ")) << what;
        } else if (GetParam().recurses) {
            EXPECT_TRUE(test::text_of(vocabulary, tokens) == text) << what << ": " << refused;
        } else {
            EXPECT_TRUE(tokens == test::libllama_tokens(vocabulary, text, false, false)) << what << ": " << refused;
        }
    }
}

// Minified data, which has no blanks: no single match is long.
TEST_P(PreTokenizers, TakeLongTextsWithoutBlanks) {
    if (name() == "bloom" || name() == "viking") {
        GTEST_SKIP() << "what stands between blanks is one match";
    }
    const Vocabulary vocabulary = load();
    const std::string text = repeated("{\"key\":[1234,\"QmFzZTY0/+AAbb=\"],\"\u4E00\u4E8C\u3002\":null},", 1'200'000);
    EXPECT_LE(stack_for(splitting_of(vocabulary), text, text), std::size_t{80} << 10U);
}

INSTANTIATE_TEST_SUITE_P(Representative, PreTokenizers, testing::ValuesIn(test::pre_tokenizer_groups()),
                         [](const auto & each) { return test::as_test_name(each.param.names.front()); });

Vocabulary tiny_with(const std::string & pre, const VocabularyOptions & options = {}) {
    test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
    tiny.pre = pre;
    return test::load(tiny, options);
}

std::string refusal(const std::string & pre, const std::string & text) {
    const Vocabulary vocabulary = tiny_with(pre);
    return test::error_of(ErrorKind::Input, [&] { static_cast<void>(vocabulary.tokenize(text, false, false)); });
}

TEST(LongText, WhatWouldTakeTooMuchIsRefused) {
    EXPECT_EQ(refusal("gpt-4o", "two words " + std::string(1'200'000, 'A')),
              "the text has 1200000 characters without a break, starting at byte 10: this model's tokenizer can handle "
              "at most 1048576");
    EXPECT_EQ(refusal("superbpe", "x" + std::string(30'000, '1')),
              "the text has 30000 digits in a row, ending at byte 30001: this model's tokenizer would take minutes on "
              "them");
    for (const char * after : {"\u4E00", "1", "\x01", "\x7F"}) {
        EXPECT_EQ(refusal("deepseek-llm", "x" + std::string(30'000, ' ') + after),
                  "the text has 30000 whitespace characters in a row, ending at byte 30001: this model's tokenizer "
                  "would take minutes on them");
    }
    EXPECT_EQ(refusal("jais-2", std::string(900'000, ' ')),
              "the text has 900000 whitespace characters in a row, ending at byte 900000: this model's tokenizer would "
              "take minutes on them");
}

TEST(LongText, OnlyWhatTakesLongIsRefused) {
    if (test::kThreadSanitized) {
        GTEST_SKIP() << "too deep for ThreadSanitizer";
    }
    const std::vector<std::pair<std::string, std::string>> texts{
        {"deepseek-llm", std::string(20'000, '\n') + "\u4E00"},
        {"deepseek-llm", std::string(20'000, ' ') + "x"},
        {"deepseek-llm", std::string(20'000, ' ') + "."},
        {"deepseek-llm", std::string(20'000, ' ') + "\n\u4E00"},
        {"deepseek-llm", repeated("\u3000", 12'000) + "\u4E00"},
        {"jais-2", std::string(300'000, '\n')},
        {"jais-2", std::string(300'000, ' ') + "\n"},
        {"jais-2", std::string(20'000, ' ')},
        {"superbpe", std::string(400, '1')},
        {"gpt-4o", std::string(20'000, ' ') + "\u4E00"}};
    for (const auto & [pre, text] : texts) {
        const Vocabulary vocabulary = tiny_with(pre);
        EXPECT_TRUE(test::text_of(vocabulary, vocabulary.tokenize(text, false, false)) == text) << pre;
    }
}

// Characters, not bytes: 1.2 MB of them are 400,000.
TEST(LongText, WideCharactersCountOnce) {
    const Vocabulary vocabulary = tiny_with("gpt-4o");
    const std::string text = repeated("\u4E00", 1'200'000);
    const Splitting splitting = splitting_of(vocabulary);
    EXPECT_LT(stack_for(splitting, text, text), std::size_t{400} << 20U);
    EXPECT_GT(stack_for(splitting, text, text), 3 * stack_for(splitting, text, text.substr(0, 300'000)));
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

TEST(LongText, AStopFlagThatIsSetEndsItAtOnce) {
    std::atomic<bool> stop{false};
    const Vocabulary vocabulary = test::load(test::TinyVocabulary::bpe(), {.warn = {}, .stop = Stop(&stop)});
    EXPECT_EQ(vocabulary.tokenize("hello", false, false).size(), 1U);
    stop = true;
    EXPECT_EQ(
        test::error_of(ErrorKind::Interrupted, [&] { static_cast<void>(vocabulary.tokenize("hello", false, false)); }),
        "interrupted while tokenizing");
}

// A long text is searched for each of them.
TEST(LongText, AStopFlagEndsTheSearchForSpecialTokens) {
    std::atomic<bool> stop{false};
    const Vocabulary vocabulary = tiny_with("gpt-2", {.warn = {}, .stop = Stop(&stop)});
    EXPECT_EQ(partition(vocabulary, "hello", Wanted::All, Spaces::Kept).size(), 1U);
    stop = true;
    EXPECT_EQ(
        test::error_of(ErrorKind::Interrupted, [&] { partition(vocabulary, "hello", Wanted::All, Spaces::Kept); }),
        "interrupted while tokenizing");
}

/// What ends the tokenizing of a text that takes many seconds, when the flag is set after a moment.
std::string ending_of(const std::string & pre, const std::string & text, bool parse_special = false) {
    std::atomic<bool> stop{false};
    const Vocabulary vocabulary = tiny_with(pre, {.warn = {}, .stop = Stop(&stop)});
    std::thread user([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        stop = true;
    });
    std::string ending = test::error_of(ErrorKind::Interrupted,
                                        [&] { static_cast<void>(vocabulary.tokenize(text, false, parse_special)); });
    user.join();
    return ending;
}

TEST(LongText, AStopFlagEndsItBetweenPieces) {
    EXPECT_EQ(ending_of("gpt-2", repeated("Words on a line, and more of them.\n", 60'000'000)),
              "interrupted while tokenizing");
}

// One call of libllama's takes seconds where there is no place to cut.
TEST(LongText, AStopFlagEndsWhatCannotBeCut) {
    EXPECT_EQ(ending_of("superbpe", repeated("hello ", 20'000'000)), "interrupted while tokenizing");
}

TEST(LongText, WhatCannotBeCutGivesLibllamasTokens) {
    const std::atomic<bool> stop{false};
    const Vocabulary vocabulary = tiny_with("superbpe", {.warn = {}, .stop = Stop(&stop)});
    const std::string text = repeated("hello ", 300'000);
    const std::vector<Token> expected = test::libllama_tokens(vocabulary, text, false, false);
    EXPECT_TRUE(vocabulary.tokenize(text, false, false) == expected);

    if (test::kSanitized) {
        return;  // a sanitizer that looks at an object opens a pipe of its own
    }
    // Without descriptors there is no pipe to a child process.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const std::vector<Token> tokens = vocabulary.tokenize(text, false, false);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(tokens == expected);
}

TEST(LongText, SaysWhereMemoryIsTooShortForWhatCannotBeCut) {
    if (test::kSanitized) {
        GTEST_SKIP() << "a sanitizer ends a process whose memory is short";
    }
    const std::atomic<bool> stop{false};
    const Vocabulary vocabulary = tiny_with("superbpe", {.warn = {}, .stop = Stop(&stop)});
    const std::string text = repeated("hello ", 2'000'000);
    EXPECT_EQ(test::in_child([&] {
                  test::limit_memory(std::size_t{20} << 20U);
                  static_cast<void>(vocabulary.tokenize(text, false, false));
              }),
              test::Ending::MachineError);
}

// Where its characters begin depends on all that precedes.
TEST(LongText, IllFormedTextIsTakenWhole) {
    const Vocabulary vocabulary = test::load(test::TinyVocabulary::spm());
    const std::string text = repeated("hello hello\n\xF0\u00E9\n", 200'000);
    EXPECT_TRUE(vocabulary.tokenize(text, false, false) == test::libllama_tokens(vocabulary, text, false, false));
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

    test::expect_no_square(
        [&](std::size_t bytes) { static_cast<void>(vocabulary.tokenize(repeated("<tag>h", bytes), false, false)); });
}

// Each call of libllama's compiles its expressions: 20,000 short parts would cost as much as 20,000 calls.
TEST(LongText, ShortPartsBetweenSpecialTokensAreTokenizedOnce) {
    const Vocabulary vocabulary = tiny_with("gpt-4o");
    const std::string text = repeated("<|im_start|>x", 13 * 20'000);
    std::vector<Token> tokens;
    const double all = test::seconds_of([&] { tokens = vocabulary.tokenize(text, false, true); });
    const double calls = test::seconds_of([&] {
        for (int i = 0; i < 200; ++i) {
            static_cast<void>(vocabulary.tokenize("x", false, true));
        }
    });
    EXPECT_EQ(tokens.size(), 40'000U);
    EXPECT_EQ(test::text_of(vocabulary, {tokens.begin(), tokens.begin() + 4}), "<|im_start|>x<|im_start|>x");
    EXPECT_LT(all, 20 * calls);
}

TEST(LongText, SpecialTokensAreThoseThatLibllamaFinds) {
    for (const char * name : {"phi-3", "llama-spm", "llama-bpe", "qwen2", "gemma-4", "command-r"}) {
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
                    !parse && std::any_of(direct.begin() + (vocabulary.text_begin().has_value() ? 1 : 0), direct.end(),
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
