// Chat templates in the manner of each family, against the prompts that the family documents.
#include "text/families.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "text/prompt.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using test::ChatFamily;

class ChatFamilies : public testing::TestWithParam<ChatFamily> {
protected:
    /// That tokens read so, and that every special token among them is one.
    void expect_prompt(const std::vector<Token> & tokens, const std::string & text) const {
        EXPECT_EQ(test::text_of(vocabulary_, tokens), text);
        EXPECT_EQ(tokens, vocabulary_.tokenize(text, false, true));
    }

    const Vocabulary vocabulary_ = test::vocabulary_of(GetParam());
    const ChatTemplate chat_{vocabulary_, GetParam().source};
};

TEST_P(ChatFamilies, OpenAsDocumented) {
    ASSERT_TRUE(chat_.usable()) << chat_.error();
    expect_prompt(chat_prompt(vocabulary_, chat_, "Who?", "").tokens, GetParam().first);
}

TEST_P(ChatFamilies, GoOnAfterAnAnswerThatEnded) {
    const std::vector<Token> end = vocabulary_.tokenize(GetParam().end, false, true);
    ASSERT_EQ(end.size(), 1U);
    EXPECT_TRUE(vocabulary_.is_end_of_generation(end.front()));
    expect_prompt(turn_tokens(vocabulary_, chat_, "Why?", true), GetParam().after_end);
}

TEST_P(ChatFamilies, CloseAnAnswerThatWasCut) {
    expect_prompt(turn_tokens(vocabulary_, chat_, "Why?", false), GetParam().after_cut);
}

// Where a template would trim a message, it is left as it was given.
TEST_P(ChatFamilies, LeaveWhiteSpaceOfMessagesAlone) {
    std::string expected = GetParam().first;
    expected.replace(expected.find("Who?"), 4, " \n Who?\t ");
    const std::vector<Token> tokens = chat_prompt(vocabulary_, chat_, " \n Who?\t ", "").tokens;
    EXPECT_EQ(test::text_of(vocabulary_, tokens), expected);
}

// Nor does a message forge turns: the family's special tokens in it are text.
TEST_P(ChatFamilies, TakeNoControlTokensFromMessages) {
    std::string message;
    std::vector<Token> specials;
    for (const std::string & token : GetParam().controls) {
        message += token + "x";
        specials.push_back(vocabulary_.tokenize(token, false, true).front());
    }
    const auto specials_of = [&](const std::vector<Token> & tokens) {
        std::vector<Token> found;
        std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(found),
                     [&](Token token) { return std::find(specials.begin(), specials.end(), token) != specials.end(); });
        return found;
    };
    const std::vector<Token> first = chat_prompt(vocabulary_, chat_, message, "").tokens;
    EXPECT_EQ(specials_of(first), specials_of(chat_prompt(vocabulary_, chat_, "Who?", "").tokens));
    EXPECT_NE(test::text_of(vocabulary_, first).find(message), std::string::npos);
    EXPECT_EQ(specials_of(turn_tokens(vocabulary_, chat_, message, false)),
              specials_of(turn_tokens(vocabulary_, chat_, "Why?", false)));
}

std::string name_of(const testing::TestParamInfo<ChatFamily> & info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Known, ChatFamilies, testing::ValuesIn(test::chat_families()), name_of);

TEST(ChatTemplate, MayPrintTheDate) {
    const ChatTemplate chat(test::model_vocabulary(),
                            "{{- 'Today is ' + strftime_now('%Y-%m-%d') + '.' -}}{%- for m in messages -%}"
                            "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endfor -%}");
    ASSERT_TRUE(chat.usable()) << chat.error();
    std::string before = chat.first_turn().before;
    std::replace_if(
        before.begin(), before.end(), [](unsigned char c) { return std::isdigit(c) != 0; }, '0');
    EXPECT_EQ(before, "Today is 0000-00-00.<|im_start|>user\n");
    EXPECT_EQ(chat.further_turn(false).before, "<|im_end|>\n<|im_start|>user\n");
}

// Parts of a list are what templates of models that see pictures take.
TEST(ChatTemplate, MayTakeMessagesInParts) {
    const ChatTemplate chat(test::model_vocabulary(),
                            "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' -}}"
                            "{%- for part in m.content -%}{%- if part.type == 'text' -%}{{- part.text | trim -}}"
                            "{%- endif -%}{%- endfor -%}{{- '<|im_end|>\\n' -}}{%- endfor -%}");
    ASSERT_TRUE(chat.usable()) << chat.error();
    EXPECT_EQ(chat.first_turn().before, "<|im_start|>user\n");
    EXPECT_EQ(chat.further_turn(true).before, "\n<|im_start|>user\n");
}

}  // namespace
}  // namespace snapkv::text
