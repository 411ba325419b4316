#include "text/special_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/token_spans.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using test::model_vocabulary;

std::string shown(const std::vector<Stretch> & stretches) {
    std::string text;
    for (const Stretch & stretch : stretches) {
        text += stretch.control ? '{' : '[';
        text += stretch.control ? model_vocabulary().piece(*stretch.control, true) : stretch.plain;
        text += stretch.control ? '}' : ']';
    }
    return text;
}

TEST(SplitAtControls, KeepsPlainTextTogether) {
    const Vocabulary & vocabulary = model_vocabulary();
    EXPECT_EQ(shown(split_at_controls(vocabulary, "")), "");
    EXPECT_EQ(shown(split_at_controls(vocabulary, "plain <|im_x|>")), "[plain <|im_x|>]");
    EXPECT_EQ(shown(split_at_controls(vocabulary, "<|im_start|><|im_end|>\n<|im_start|>user\n")),
              "{<|im_start|>}{<|im_end|>}[\n]{<|im_start|>}[user\n]");
}

TEST(LeadingEnd, FindsTheEndTokenBehindWhiteSpace) {
    const Vocabulary & vocabulary = model_vocabulary();
    const auto end = leading_end(vocabulary, " \n<|im_end|>\n");
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->bytes, 12U);
    EXPECT_TRUE(vocabulary.is_end_of_generation(end->token));
    EXPECT_FALSE(leading_end(vocabulary, "a<|im_end|>").has_value());
    EXPECT_FALSE(leading_end(vocabulary, "").has_value());
}

TEST(LeadingEnd, SkipsWhatAnswersOfTheFamilyEndIn) {
    const Vocabulary & vocabulary = model_vocabulary();
    const auto end = leading_end(vocabulary, "<|im_start|>\n<|im_end|>\nuser");
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->bytes, 23U);
    EXPECT_EQ(vocabulary.piece(end->token, true), "<|im_end|>");
    EXPECT_FALSE(leading_end(vocabulary, "<|im_start|>user<|im_end|>").has_value());
    EXPECT_FALSE(leading_end(vocabulary, "<|im_start|> ").has_value());
}

TEST(TokenSpans, CoverTheTextWithoutGaps) {
    const std::string text = " two  words,\n\n\u4f60\u597d \u2581\u2581x \U0001F600 12345";
    for (const char * name : {"llama-spm", "llama-bpe", "qwen2", "phi-3", "gemma-4"}) {
        const Vocabulary & vocabulary = test::vocabulary(name);
        const std::vector<Token> tokens = vocabulary.tokenize(text, false, false);
        const std::vector<TokenSpan> spans = token_spans(vocabulary, text, tokens);
        ASSERT_EQ(spans.size(), tokens.size());
        std::size_t covered = 0;
        for (const TokenSpan & span : spans) {
            EXPECT_EQ(span.begin, covered) << name;
            EXPECT_GE(span.end, span.begin) << name;
            covered = span.end;
        }
        EXPECT_EQ(covered, text.size()) << name;
    }
}

}  // namespace
}  // namespace snapkv::text
