#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "snapkv/error.h"
#include "support/contents.h"
#include "support/error_of.h"
#include "support/sanitizers.h"
#include "templates.h"
#include "text/prompt.h"
#include "tiny_loaded.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using test::model_vocabulary;

#if defined(__OPTIMIZE__)
constexpr bool kOptimised = true;
#else
constexpr bool kOptimised = false;
#endif

TEST(ChatTemplate, SplitsTheFilesOwnTemplate) {
    const ChatTemplate chat(model_vocabulary());
    ASSERT_TRUE(chat.usable()) << chat.error();
    EXPECT_TRUE(chat.error().empty());
    EXPECT_TRUE(chat.first_turn().before.ends_with("<|im_start|>user\n"));
    EXPECT_EQ(chat.first_turn().after, "<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(chat.further_turn(false).before, "<|im_end|>\n<|im_start|>user\n");
    EXPECT_EQ(chat.further_turn(true).before, "\n<|im_start|>user\n");
    EXPECT_EQ(chat.further_turn(true).after, "<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, DropsTheSpaceBeforeAFedEndToken) {
    const ChatTemplate chat(test::vocabulary("llama-spm"), test::brackets_template);
    ASSERT_TRUE(chat.usable()) << chat.error();
    EXPECT_EQ(chat.further_turn(false).before, " </s><s>[INST] ");
    EXPECT_EQ(chat.further_turn(true).before, "<s>[INST] ");
}

std::string error_of(const std::string & source) {
    const ChatTemplate chat(model_vocabulary(), source);
    EXPECT_FALSE(chat.usable());
    EXPECT_EQ(chat.error().find('\n'), std::string::npos);
    try {
        static_cast<void>(chat.first_turn());
        ADD_FAILURE() << "no error";
    } catch (const Error & e) {
        EXPECT_EQ(e.kind(), ErrorKind::Input);
        EXPECT_TRUE(std::string(e.what()).starts_with(chat.error()));
    }
    return chat.error();
}

TEST(ChatTemplate, SaysWhyATemplateIsNotUsable) {
    EXPECT_TRUE(error_of("{% for message in messages %}{{ message.content").starts_with("the chat template cannot be"));
    EXPECT_NE(error_of("{{ raise_exception('no users here') }}").find("no users here"), std::string::npos);
    EXPECT_EQ(error_of("fixed text"),
              "the chat template cannot be used: it does not reproduce the message text unchanged");
    EXPECT_EQ(error_of("{{ messages[0]['content'] }} {{ messages[0]['content'] }}"),
              "the chat template cannot be used: it repeats the message text");
}

TEST(ChatTemplate, RefusesDeepNestingWithoutOverflowingTheStack) {
    EXPECT_EQ(error_of(std::string(1 << 18, ' ')),
              "the chat template cannot be used: it is 262144 bytes long; at most 131072 bytes are supported");
    if (test::kThreadSanitized) {
        GTEST_SKIP() << "too deep for ThreadSanitizer";
    }
    const std::string deep = "{{ " + std::string(50000, '(') + "1" + std::string(50000, ')') + " }}";
    EXPECT_EQ(error_of(deep), "the chat template cannot be used: it does not reproduce the message text unchanged");
}

// A template is a program from outside. What it may use up has an end.
TEST(ChatTemplate, RefusesOneThatNeverEnds) {
    EXPECT_EQ(
        error_of("{% set ns = namespace(x=0) %}{% for i in range(1000) %}{% for j in range(1000) %}{% for k in "
                 "range(1000) %}{% set ns.x = ns.x + 1 %}{% endfor %}{% endfor %}{% endfor %}"),
        "the chat template cannot be used: rendering it takes too long (the limit is 3 seconds of processor time)");
}

TEST(ChatTemplate, IsRenderedOnlyWhenNeeded) {
    std::atomic<bool> stop{true};
    const Vocabulary vocabulary = test::load(test::TinyVocabulary::bpe(), {.warn = {}, .stop = Stop(&stop)});
    const ChatTemplate chat(vocabulary, test::chatml_template);
    EXPECT_EQ(chat.source(), test::chatml_template);
    EXPECT_EQ(test::error_of(ErrorKind::Interrupted, [&] { static_cast<void>(chat.usable()); }),
              "interrupted while rendering the chat template");
    stop = false;
    EXPECT_TRUE(chat.usable()) << "an interruption is not remembered";
}

TEST(ChatTemplate, LeavesChildrenOfTheHostAlone) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(7);
    }
    EXPECT_TRUE(ChatTemplate(model_vocabulary()).usable());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(ChatTemplate, WorksInAHostThatReapsItsChildren) {
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    EXPECT_TRUE(ChatTemplate(model_vocabulary()).usable());
    std::signal(SIGCHLD, before);
}

/// The fuzzer's seeds, the hostile ones among them, here also where there is no fuzzer.
TEST(ChatTemplate, TakesOrRefusesTheFuzzersSeeds) {
    const std::string takes_too_long =
        "the chat template cannot be used: rendering it takes too long (the limit is 3 seconds of processor time)";
    const std::vector<std::string> exhausted{
        "the chat template cannot be used: it needs more than 256 MiB of memory", takes_too_long,
        "the chat template cannot be used: rendering it crashes; endless recursion can cause this"};
    const std::map<std::string, std::vector<std::string>> refused{
        {"loop-without-end", exhausted},
        {"calls-itself", exhausted},
        {"doubles", exhausted},
        {"long-rendering", {"the chat template cannot be used: it produces more than 1048576 bytes of output"}},
        {"parentheses", {"the chat template cannot be used: it does not reproduce the message text unchanged"}},
        {"chatml", {""}},
        {"headers", {""}},
        {"namespaces-and-macros", {""}}};
    const std::filesystem::path folder = std::filesystem::path(SNAPKV_TEST_DATA).parent_path() / "fuzz/corpus/template";
    for (const auto & [name, reasons] : refused) {
        const ChatTemplate chat(model_vocabulary(), test::contents(folder / name));
        const auto is_among = [&](const std::vector<std::string> & list) {
            return std::find(list.begin(), list.end(), chat.error()) != list.end();
        };
        // A sanitizer takes more memory than the rendering, and ends a process that runs short of it. ThreadSanitizer
        // leaves none of the budgets to what is to be refused. Without optimisation the time is over before so much
        // has been written.
        const bool ended = test::kThreadSanitized
                               ? !reasons.front().empty() && is_among(exhausted)
                               : name == "long-rendering" && ((test::kSanitized && chat.error() == exhausted.back()) ||
                                                              (!kOptimised && chat.error() == takes_too_long));
        EXPECT_TRUE(ended || is_among(reasons)) << name << ": " << chat.error();
        EXPECT_EQ(chat.usable(), chat.error().empty()) << name;
    }
}

// Some files name the format instead of holding a template.
TEST(ChatTemplate, KnowsChatMlByName) {
    const test::Pair named{"", "chatml"};
    const ChatTemplate chat = named.chat();
    ASSERT_TRUE(chat.usable()) << chat.error();
    const Frame first = chat.first_turn();
    const Frame further = chat.further_turn(false);
    EXPECT_EQ(first.before + "one" + first.after, test::render(named, {"one"}));
    EXPECT_EQ(first.before + "one" + first.after + "two" + further.before + "three" + further.after,
              test::render(named, {"one", "two", "three"}));
}

TEST(ChatTemplate, KnowsTheDate) {
    const test::Pair dated{"", "{{ datetime }}, {{ date_string }}: {{ messages[0]['content'] }}"};
    const ChatTemplate chat = dated.chat();
    ASSERT_TRUE(chat.usable()) << chat.error();
    EXPECT_EQ(chat.first_turn().before + "one", test::render(dated, {"one"}));
}

/// Threads that hold whatever locks allocating, throwing and starting processes take.
class BusyThreads {
public:
    BusyThreads() {
        threads_.emplace_back([this] {
            while (!done_) {
                const std::vector<std::string> strings(100, std::string(1000, 'a'));
            }
        });
        threads_.emplace_back([this] {
            while (!done_) {
                try {
                    throw std::runtime_error("thrown");
                } catch (const std::runtime_error &) {
                }
            }
        });
        threads_.emplace_back([this] {
            while (!done_) {
                const pid_t child = ::fork();
                if (child == 0) {
                    ::usleep(100'000);
                    ::_exit(0);
                }
                ::waitpid(child, nullptr, 0);
            }
        });
    }
    BusyThreads(const BusyThreads &) = delete;
    BusyThreads & operator=(const BusyThreads &) = delete;
    ~BusyThreads() {
        done_ = true;
        for (std::thread & thread : threads_) {
            thread.join();
        }
    }

private:
    std::atomic<bool> done_{false};
    std::vector<std::thread> threads_;
};

TEST(ChatTemplate, IsRenderedWhateverOtherThreadsDo) {
    if (test::kSanitized) {
        GTEST_SKIP() << "a sanitizer's allocator may be locked for good in a copy of the process";
    }
    const BusyThreads busy;
    for (int i = 0; i < 30; ++i) {
        const ChatTemplate chat(model_vocabulary(), test::chatml_template);
        EXPECT_TRUE(chat.usable()) << chat.error();
    }
}

TEST(ChatTemplate, SaysThatAFileHasNone) {
    const ChatTemplate chat(test::vocabulary("llama-spm"));
    EXPECT_FALSE(chat.usable());
    EXPECT_EQ(chat.error(), "the model file contains no chat template (tokenizer.chat_template is missing)");
    EXPECT_THROW(static_cast<void>(chat_prompt(test::vocabulary("llama-spm"), chat, "document", "")), Error);
}

TEST(ChatTemplate, MayServeAFirstTurnOnly) {
    const ChatTemplate chat(model_vocabulary(),
                            "{%- if messages|length > 1 -%}{{ raise_exception('one message at most') }}{%- endif -%}"
                            "{{ '<|im_start|>' + messages[0]['content'] + '<|im_end|>' }}");
    ASSERT_TRUE(chat.usable()) << chat.error();
    EXPECT_EQ(chat.first_turn().before, "<|im_start|>");
    EXPECT_THROW(static_cast<void>(chat.further_turn(true)), Error);
}

}  // namespace
}  // namespace snapkv::text
