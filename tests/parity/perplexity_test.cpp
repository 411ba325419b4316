// Perplexity of the demonstration model in four file types, full cache, against libllama in this process.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <iostream>

#include "parity/english.h"
#include "parity/llama_reference.h"
#include "parity/quantised.h"
#include "snapkv/session.h"

namespace snapkv::test {
namespace {

constexpr std::uint32_t kContext = 512;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void expect_same_perplexity(const std::filesystem::path & file, const std::string & text) {
    auto begin = std::chrono::steady_clock::now();
    const double expected = LlamaReference(file, {.context = kContext, .batch = kContext}).perplexity(text);
    const double reference_seconds = seconds_since(begin);
    begin = std::chrono::steady_clock::now();
    const PerplexityResult found = Session(Model::load(file)).perplexity(text, kContext);
    const std::string line = fmt::format(
        "{}: {} chunks of {}: perplexity {:.5f}, libllama {:.5f}, difference {:+.4f} %; {:.0f} s, libllama {:.0f} s",
        file.stem().string(), found.chunks, kContext, found.perplexity, expected,
        100 * (found.perplexity / expected - 1), seconds_since(begin), reference_seconds);
    std::cout << line << '\n';
    testing::Test::RecordProperty("perplexity", line);
    EXPECT_NEAR(found.perplexity / expected, 1, 0.002);
    EXPECT_EQ(found.tokens, std::uint64_t{found.chunks} * (kContext - kContext / 2 - 1));
    EXPECT_FALSE(found.interrupted);
}

TEST(Perplexity, F16) {
    expect_same_perplexity(small_model(LLAMA_FTYPE_MOSTLY_F16, "F16"), english(20'000));
}
TEST(Perplexity, Q8_0) {
    expect_same_perplexity(small_model(LLAMA_FTYPE_MOSTLY_Q8_0, "Q8_0"), english(20'000));
}
TEST(Perplexity, Q4_0) {
    expect_same_perplexity(small_model(LLAMA_FTYPE_MOSTLY_Q4_0, "Q4_0"), english(20'000));
}
TEST(Perplexity, Q4_1) {
    expect_same_perplexity(SNAPKV_TEST_MODEL, english(100'000));
}

}  // namespace
}  // namespace snapkv::test
