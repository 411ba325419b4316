// The constructed retrieval model: the same model to libllama, and it finds what it is asked for.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>

#include "parity/engine.h"
#include "parity/english.h"
#include "parity/llama_reference.h"
#include "parity/register_lines.h"
#include "parity/temporary_path.h"
#include "snapkv/tools/retrieval_model.h"
#include "support/long_texts.h"

namespace snapkv::test {
namespace {

/// Of the demonstration model the tokenizer alone is taken. A digit is a token.
constexpr const char * kVocabulary = SNAPKV_TEST_MODEL;
constexpr std::uint32_t kWindow = 16;  // with kernel 5 and budget 1024: the paper's settings for such tasks

TemporaryPath retrieval_model(const std::string & type) {
    TemporaryPath file(".gguf");
    write_retrieval_model(file.get(), {.vocabulary = kVocabulary, .type = type});
    return file;
}

CacheConfig full_cache() {
    CacheConfig cache;
    cache.policy = Policy::Full;
    return cache;
}

CacheConfig compressed(double budget, Pooling pooling, std::uint32_t kernel = 5) {
    CacheConfig cache;
    cache.policy = Policy::SnapKV;
    cache.budget.value = budget;
    cache.window = kWindow;
    cache.cluster = Cluster::kernel(kernel, pooling);
    return cache;
}

/// A document, the questions on it and what each is to be answered.
struct Task {
    std::string document;
    std::vector<std::string> questions;
    std::vector<std::string> answers;
};

/// Questions on lines from the first to the last.
Task lines_task(std::size_t lines, std::size_t questions, std::uint32_t seed) {
    const RegisterLines all(lines, seed);
    Task task{all.document(), {}, {}};
    for (std::size_t index = 0; index < questions; ++index) {
        const std::size_t line = index * (lines - 1) / (questions - 1);
        task.questions.push_back(all.question(line));
        task.answers.push_back(all.answer(line));
    }
    return task;
}

/// Answers cut to the right ones' length, all branches of one prefill: each question with each of the caches.
std::vector<std::string> answers(Session & session, const Task & task, const std::vector<CacheConfig> & caches) {
    std::vector<Branch> branches;
    for (const CacheConfig & cache : caches) {
        for (const std::string & question : task.questions) {
            branches.push_back({session.model().raw_prompt(task.document, question), cache});
        }
    }
    PrefillResult prefilled = session.prefill(branches);
    std::vector<std::string> found;
    for (std::size_t index = 0; index < branches.size(); ++index) {
        const std::string & right = task.answers[index % task.answers.size()];
        GenerateOptions options;
        options.max_tokens = static_cast<std::int64_t>(session.model().tokenize(right, false, false).size()) + 4;
        found.push_back(session.generate(prefilled.sequences[index], options).text);
        found.back().resize(std::min(found.back().size(), right.size()));
    }
    std::cout << branches.front().prompt.tokens.size() << " tokens\n";
    return found;
}

std::vector<std::string> answers(Session & session, const Task & task, const CacheConfig & cache) {
    return answers(session, task, std::vector{cache});
}

TEST(Retrieval, LogitsAreLibllamas) {
    const TemporaryPath file = retrieval_model("f32");
    const Model model = Model::load(file.get());
    const Task task = lines_task(60, 2, 1);
    const std::vector<Token> tokens = model.raw_prompt(task.document, task.questions.front()).tokens;
    EXPECT_GT(tokens.size(), 1300U);
    const std::vector<float> expected =
        LlamaReference(file.get(), {.context = 2048, .cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED})
            .logits(tokens);
    Session::Impl engine(model, {.products = ProductPath::WidenedF32});
    const double error = normalised_error(prefill_logits(engine, tokens, KvType::F32), expected);
    std::cout << tokens.size() << " tokens: error " << error << '\n';
    EXPECT_LT(error, 1e-6);
}

TEST(Retrieval, AnswersAreLibllamasInHalfPrecision) {
    const TemporaryPath file = retrieval_model("f16");
    const Task task = lines_task(60, 3, 2);
    Session session(Model::load(file.get()));
    const std::vector<std::string> found = answers(session, task, full_cache());
    EXPECT_EQ(found, task.answers);
    LlamaReference reference(file.get(), {.context = 2048});
    for (std::size_t index = 0; index < task.questions.size(); ++index) {
        const Prompt prompt = session.model().raw_prompt(task.document, task.questions[index]);
        const auto tokens = session.model().tokenize(task.answers[index], false, false);
        std::string text;
        for (const Token token : reference.greedy(prompt.tokens, tokens.size()).tokens) {
            text += session.model().piece(token);
        }
        EXPECT_TRUE(text.starts_with(found[index].substr(0, text.size()))) << text << ", not " << found[index];
    }
}

TEST(Retrieval, EveryLineIsFoundInAFullAndInACompressedCache) {
    const TemporaryPath file = retrieval_model("f16");
    Session session(Model::load(file.get()));
    for (const std::size_t lines : {std::size_t{95}, std::size_t{long_texts() ? 790U : 200U}}) {
        const Task task = lines_task(lines, 8, 2);
        std::vector<std::string> expected = task.answers;
        expected.insert(expected.end(), task.answers.begin(), task.answers.end());
        EXPECT_EQ(answers(session, task, {full_cache(), compressed(1024, Pooling::Max)}), expected)
            << lines << " lines, full and then 1,024 rows";
    }
}

// The window votes for what matches so far: the rows of later digits are kept because their neighbours are.
TEST(Retrieval, WithoutPoolingLaterDigitsAreLost) {
    const TemporaryPath file = retrieval_model("f16");
    Session session(Model::load(file.get()));
    const Task task = lines_task(200, 8, 2);
    EXPECT_EQ(answers(session, task, compressed(256, Pooling::Max)), task.answers);
    const std::vector<std::string> found = answers(session, task, compressed(256, Pooling::None));
    std::size_t wrong = 0;
    for (std::size_t index = 0; index < found.size(); ++index) {
        wrong += static_cast<std::size_t>(found[index] != task.answers[index]);
        EXPECT_EQ(found[index].front(), task.answers[index].front()) << "the first digit is voted for itself";
    }
    EXPECT_GT(wrong, 0U);
}

/// A needle in so much prose, at a paragraph behind a share of it.
class Needle : public testing::TestWithParam<std::pair<std::size_t, double>> {
protected:
    static constexpr const char * kNeedle = "The best thing to do in San Francisco is";
    static constexpr const char * kAnswer = " eat a sandwich and sit in Dolores Park on a sunny day.";

    [[nodiscard]] static Task task() {
        const auto [bytes, share] = GetParam();
        const std::string prose = english(bytes);
        const std::size_t at =
            share == 0 ? 0 : prose.find("\n\n", static_cast<std::size_t>(share * static_cast<double>(bytes))) + 2;
        Task task;
        task.document = fmt::format("{}{}{}\n\n{}", prose.substr(0, at), kNeedle, kAnswer, prose.substr(at));
        task.questions.push_back(fmt::format("What is the best thing to do in San Francisco? {}", kNeedle));
        task.answers.emplace_back(kAnswer);
        return task;
    }
};

// The vote is for the needle's beginning: how much of its end a compressed cache keeps, the kernel says.
TEST_P(Needle, IsFoundInProse) {
    const TemporaryPath file = retrieval_model("f16");
    Session session(Model::load(file.get()));
    const std::vector<std::string> found =
        answers(session, task(), {full_cache(), compressed(1024, Pooling::Max), compressed(1024, Pooling::Max, 9)});
    EXPECT_EQ(found[0], kAnswer);
    EXPECT_TRUE(found[1].starts_with(" eat a sandwich and sit in Dolores Park on a sunny")) << found[1];
    EXPECT_EQ(found[2], kAnswer);
}

// Some 3,000 and 5,000 tokens, or 16,000.
INSTANTIATE_TEST_SUITE_P(Prose, Needle,
                         testing::Values(std::pair{12'000U, 0.0}, std::pair{12'000U, 0.4}, std::pair{12'000U, 0.8},
                                         std::pair{long_texts() ? 70'000U : 20'000U, 0.4}));

}  // namespace
}  // namespace snapkv::test
