#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "snapkv/error.h"
#include "templates.h"
#include "text/prompt.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using test::model_vocabulary;

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
    EXPECT_TRUE(error_of("{% for message in messages %}{{ message.content").starts_with("the chat template does not"));
    EXPECT_NE(error_of("{{ raise_exception('no users here') }}").find("no users here"), std::string::npos);
    EXPECT_EQ(error_of("fixed text"),
              "the chat template does not work: it does not render the message's text as it is");
    EXPECT_EQ(error_of("{{ messages[0]['content'] }} {{ messages[0]['content'] }}"),
              "the chat template does not work: it renders a message's text more than once");
}

TEST(ChatTemplate, RefusesDeepNestingWithoutOverflowingTheStack) {
    const std::string deep = "{{ " + std::string(50000, '(') + "1" + std::string(50000, ')') + " }}";
    EXPECT_FALSE(error_of(deep).empty());
    EXPECT_NE(error_of(std::string(1 << 18, ' ')).find("bytes; supported are"), std::string::npos);
}

// A template is a program from outside. What it may use up has an end.
TEST(ChatTemplate, RefusesOneThatNeverEnds) {
    EXPECT_EQ(error_of("{% set ns = namespace(x=0) %}{% for i in range(1000) %}{% for j in range(1000) %}{% for k in "
                       "range(1000) %}{% set ns.x = ns.x + 1 %}{% endfor %}{% endfor %}{% endfor %}"),
              "the chat template does not work: rendering it takes more than 3 seconds");
}

TEST(ChatTemplate, IsRenderedOnlyWhenNeeded) {
    const ChatTemplate chat(model_vocabulary(), "{% for i in range(99999999999) %}{% endfor %}");
    EXPECT_TRUE(chat.present());
    EXPECT_EQ(raw_prompt(model_vocabulary(), "document", "").tokens,
              model_vocabulary().tokenize("document", true, false));
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
    const std::vector<std::string> exhausted{
        "the chat template does not work: it takes more than 256 MiB of memory",
        "the chat template does not work: rendering it takes more than 3 seconds",
        "the chat template does not work: rendering it crashes, as it does for one "
        "that calls itself without end"};
    const std::map<std::string, std::vector<std::string>> refused{
        {"loop-without-end", exhausted},
        {"calls-itself", exhausted},
        {"doubles", exhausted},
        {"long-rendering",
         {"the chat template does not work: it renders more than 1048576 bytes around a short message"}},
        {"parentheses", {"the chat template does not work: it does not render the message's text as it is"}},
        {"chatml", {""}},
        {"headers", {""}},
        {"namespaces-and-macros", {""}}};
    const std::filesystem::path folder = std::filesystem::path(SNAPKV_TEST_DATA).parent_path() / "fuzz/corpus/template";
    for (const auto & [name, reasons] : refused) {
        std::ifstream file(folder / name, std::ios::binary);
        ASSERT_TRUE(file.is_open()) << name;
        const ChatTemplate chat(model_vocabulary(), {std::istreambuf_iterator<char>(file), {}});
        EXPECT_NE(std::find(reasons.begin(), reasons.end(), chat.error()), reasons.end())
            << name << ": " << chat.error();
        EXPECT_EQ(chat.usable(), chat.error().empty()) << name;
    }
}

TEST(ChatTemplate, SaysThatAFileHasNone) {
    const ChatTemplate chat(test::vocabulary("llama-spm"));
    EXPECT_FALSE(chat.usable());
    EXPECT_EQ(chat.error(), "the model has no chat template (key tokenizer.chat_template)");
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
