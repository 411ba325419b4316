// Greedy text after a long prompt, full cache, F16 weights, against libllama in this process.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>

#include "parity/engine.h"
#include "parity/english.h"
#include "parity/llama_reference.h"
#include "parity/quantised.h"
#include "support/long_texts.h"

namespace snapkv::test {
namespace {

constexpr std::size_t kAnswerTokens = 32;
constexpr float kTie = 0.05F;  // leads of this size and less may go either way

/// A document cut so that the prompt has `most` tokens or a few less, and a question on it.
Prompt long_prompt(const Model & model, std::size_t most) {
    const std::string question = "What are these paragraphs about? Answer in a few sentences.";
    std::vector<Prompt> prompts{model.chat_prompt(english(14'000), question)};
    EXPECT_GT(prompts.front().tokens.size(), most);
    truncate_middle(prompts, prompts.front().tokens.size() - most);
    return prompts.front();
}

TEST(Greedy, TextAfterALongPromptIsLibllamas) {
    const std::filesystem::path file = small_model(LLAMA_FTYPE_MOSTLY_F16, "F16");
    const Model model = Model::load(file);
    const std::uint32_t most = long_texts() ? 2400 : 1200;
    const Prompt prompt = long_prompt(model, most);
    const GreedyText expected =
        LlamaReference(file, {.context = most + 64, .batch = 512}).greedy(prompt.tokens, kAnswerTokens);

    Session session(model);
    const Branch branch = full_branch(prompt.tokens, KvType::F16);
    PrefillResult prefilled = session.prefill({&branch, 1});
    ASSERT_EQ(prefilled.sequences.size(), 1U);
    GenerateOptions options;
    options.max_tokens = kAnswerTokens;
    const Generation found = session.generate(prefilled.sequences.front(), options);

    const auto [ours, theirs] =
        std::mismatch(found.tokens.begin(), found.tokens.end(), expected.tokens.begin(), expected.tokens.end());
    const auto same = static_cast<std::size_t>(ours - found.tokens.begin());
    const std::string line = fmt::format("{} prompt tokens; {} of {} tokens the same; least lead {:.3f}; text: {}",
                                         prompt.tokens.size(), same, expected.tokens.size(),
                                         *std::min_element(expected.leads.begin(), expected.leads.end()), found.text);
    std::cout << line << '\n';
    RecordProperty("greedy", line);
    EXPECT_GE(expected.tokens.size(), 8U) << "too short an answer to tell anything";
    if (found.tokens != expected.tokens) {
        EXPECT_LE(expected.leads[same], kTie) << "first different at token " << same;
    }
}

}  // namespace
}  // namespace snapkv::test
