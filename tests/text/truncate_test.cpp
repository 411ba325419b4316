#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "snapkv/error.h"
#include "snapkv/model.h"

namespace snapkv {
namespace {

using testing::ElementsAre;

/// Two tokens of a template, `document` tokens from 100 on, then `question` tokens from 900 on.
Prompt make_prompt(std::size_t document, std::size_t question) {
    Prompt prompt;
    prompt.tokens = {1, 2};
    prompt.document_begin = 2;
    prompt.tokens.resize(2 + document + question);
    const auto middle = prompt.tokens.begin() + 2 + static_cast<std::ptrdiff_t>(document);
    std::iota(prompt.tokens.begin() + 2, middle, 100);
    std::iota(middle, prompt.tokens.end(), 900);
    prompt.document_end = 2 + document;
    prompt.question_begin = 2 + document;
    return prompt;
}

TEST(TruncateMiddle, DropsTheMiddleAndKeepsBothEnds) {
    std::vector<Prompt> prompts = {make_prompt(6, 2)};
    truncate_middle(prompts, 3);
    EXPECT_THAT(prompts[0].tokens, ElementsAre(1, 2, 100, 101, 105, 900, 901));
    EXPECT_EQ(prompts[0].document_begin, 2U);
    EXPECT_EQ(prompts[0].document_end, 5U);
    EXPECT_EQ(prompts[0].question_begin, 5U);
}

TEST(TruncateMiddle, DropsTheSameTokensOfAllPrompts) {
    std::vector<Prompt> prompts = {make_prompt(6, 1), make_prompt(6, 3), make_prompt(6, 0)};
    prompts[1].document_end -= 1;  // its last document token holds the question's first byte
    prompts[1].question_begin -= 1;
    prompts[1].tokens[7] = 700;
    truncate_middle(prompts, 4);
    EXPECT_THAT(prompts[0].tokens, ElementsAre(1, 2, 100, 105, 900));
    EXPECT_THAT(prompts[1].tokens, ElementsAre(1, 2, 100, 700, 900, 901, 902));
    EXPECT_THAT(prompts[2].tokens, ElementsAre(1, 2, 100, 105));
    EXPECT_EQ(prompts[1].question_begin, 3U);
    EXPECT_EQ(prompts[1].document_end, 3U);
    EXPECT_FALSE(prompts[2].has_question());
}

TEST(TruncateMiddle, MayDropTheWholeDocumentButNoMore) {
    std::vector<Prompt> prompts = {make_prompt(3, 1)};
    try {
        truncate_middle(prompts, 4);
        FAIL();
    } catch (const Error & e) {
        EXPECT_EQ(e.kind(), ErrorKind::Input);
        EXPECT_STREQ(e.what(), "cannot drop 4 tokens from the middle of the document: it has only 3");
    }
    truncate_middle(prompts, 3);
    EXPECT_THAT(prompts[0].tokens, ElementsAre(1, 2, 900));
    EXPECT_EQ(prompts[0].document_begin, prompts[0].document_end);
}

TEST(TruncateMiddle, NothingToDropChangesNothing) {
    std::vector<Prompt> none;
    truncate_middle(none, 5);
    std::vector<Prompt> prompts = {make_prompt(3, 1)};
    truncate_middle(prompts, 0);
    EXPECT_EQ(prompts[0].tokens, make_prompt(3, 1).tokens);
}

}  // namespace
}  // namespace snapkv
