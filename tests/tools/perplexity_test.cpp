#include "snapkv/tools/perplexity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/float32.h"

namespace snapkv {
namespace {

std::string some_text() {
    std::string text;
    for (int line = 0; line < 30; ++line) {
        text += "line " + std::to_string(line * 37 % 101) + ": hello world, the " + std::to_string(line) + "th\n";
    }
    return text;
}

/// exp of the mean of -log p over the second half of each chunk, from the naive model's logits.
double naive_perplexity(const test::TinyRun & run, const std::string & text, std::uint32_t context,
                        std::optional<Token> bos, std::uint64_t & scored) {
    const std::vector<Token> tokens = run.model.tokenize(text, true, false);
    double total = 0;
    scored = 0;
    for (std::size_t begin = 0; begin + context <= tokens.size(); begin += context) {
        std::vector<Token> chunk(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                 tokens.begin() + static_cast<std::ptrdiff_t>(begin + context));
        chunk.front() = bos.value_or(chunk.front());
        test::NaiveModel naive = run.naive();
        naive.feed(chunk);
        for (std::uint32_t at = context / 2; at + 1 < context; ++at, ++scored) {
            const std::vector<double> logits = naive.logits(at);
            double sum = 0;
            for (const double logit : logits) {
                sum += std::exp(logit);
            }
            total += std::log(sum) - logits[static_cast<std::size_t>(chunk[at + 1])];
        }
    }
    return std::exp(total / static_cast<double>(scored));
}

void expect_naive_perplexity(const test::TinyShape & shape, std::uint32_t context) {
    const attention::cpu::OnlySet only = test::float32_kernels();
    const test::TinyRun run(shape);
    Session session = run.session(64);
    const std::string text = some_text();
    const std::optional<Token> bos = run.model.info().text_begin;
    EXPECT_EQ(bos.has_value(), shape.adds_bos);
    std::uint64_t scored = 0;
    const double expected = naive_perplexity(run, text, context, bos, scored);
    std::uint32_t calls = 0;
    double last = 0;
    const PerplexityResult result =
        perplexity(session, text, context, [&](std::uint32_t done, std::uint32_t total, double so_far) {
            EXPECT_EQ(done, ++calls);
            EXPECT_GE(total, done);
            last = so_far;
        });
    // Keys and values are rounded to F16.
    EXPECT_NEAR(result.perplexity / expected, 1, 2e-3);
    EXPECT_EQ(result.perplexity, last);
    EXPECT_EQ(result.tokens, scored);
    EXPECT_EQ(result.chunks, calls);
    EXPECT_FALSE(result.interrupted);
}

TEST(Perplexity, EqualsTheNaiveOne) {
    expect_naive_perplexity({}, 128);
}
TEST(Perplexity, EqualsTheNaiveOneForOddChunks) {
    expect_naive_perplexity({.layers = 1}, 75);
}
TEST(Perplexity, EqualsTheNaiveOneForTheSmallestChunks) {
    expect_naive_perplexity({.layers = 1}, 4);
}
TEST(Perplexity, PutsABosAtTheHeadOfEachChunk) {
    expect_naive_perplexity({.adds_bos = true}, 128);
}
TEST(Perplexity, ScoresMoreRowsThanOneProductTakes) {
    expect_naive_perplexity({.tied = true}, 300);
}

TEST(Perplexity, IsRefusedOfTooLittle) {
    const test::TinyRun run;
    Session session = run.session(64);
    const auto refused = [&](ErrorKind kind, std::string_view text, std::uint32_t context) {
        return test::error_of(kind, [&] { static_cast<void>(perplexity(session, text, context)); });
    };
    EXPECT_THAT(refused(ErrorKind::Input, "short", 64), ::testing::HasSubstr("64"));
    EXPECT_THAT(refused(ErrorKind::Usage, "text", 3), ::testing::HasSubstr("3"));
    EXPECT_THAT(refused(ErrorKind::Usage, "text", session.context() + 1), ::testing::HasSubstr("at most"));
}

TEST(Perplexity, LeavesTheChunksBeforeAStop) {
    const test::TinyRun run;
    std::atomic<bool> stop{true};
    SessionOptions options;
    options.threads = 1;
    options.stop = &stop;
    Session session = run.session(options);
    EXPECT_TRUE(perplexity(session, some_text(), 64).interrupted);
    stop = false;
    const PerplexityResult one = perplexity(session, some_text(), 64, [&](auto...) { stop = true; });
    EXPECT_TRUE(one.interrupted);
    EXPECT_EQ(one.chunks, 1U);
    EXPECT_EQ(one.tokens, 31U);
}

TEST(Perplexity, OfADamagedModelIsRefused) {
    test::TinyModel tiny;
    tiny.tensors.at("output_norm.weight").values[0] = std::numeric_limits<float>::quiet_NaN();
    const test::TinyModelFile file(tiny);
    Session session(Model::load(file.path()), {.threads = 1});
    EXPECT_EQ(test::error_of(ErrorKind::Input, [&] { static_cast<void>(perplexity(session, some_text(), 64)); }),
              "the model's logit 0 is not a number: its weights are damaged");
}

}  // namespace
}  // namespace snapkv
