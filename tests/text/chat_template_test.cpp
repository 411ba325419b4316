#include <gtest/gtest.h>

#include <string>

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
