// Shapes, rotary settings and ways through the engine on small random float32 models: logits against libllama's.

#include <gtest/gtest.h>

#include <iostream>
#include <ostream>
#include <string>
#include <utility>

#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/random_model.h"

namespace snapkv::test {
namespace {

using Scaling = RopeOptions::Scaling;

constexpr std::size_t kTextTokens = 300;
constexpr std::size_t kPromptTokens = 70;  // the rest comes step by step

struct Variation {
    std::string name;
    RandomShape shape;
    RopeOptions options;
    std::uint32_t threads = 1;  ///< on models this small, threads mostly wait for each other
};

void PrintTo(const Variation & value, std::ostream * out) {
    *out << value.name;
}

std::vector<Variation> shapes() {
    return {
        {"GroupedHeads32Untied", {}, {}, 2},
        {"GroupedHeads32TiedBiases", {.tied = true, .biases = true}, {}, 2},
        {"UngroupedHeads64", {.width = 256, .heads = 4, .kv_heads = 4, .head_size = 64}, {}, 2},
        {"OneKvHead64Tied", {.width = 192, .heads = 3, .kv_heads = 1, .head_size = 64, .tied = true}, {}, 2},
        {"Heads128WiderThanTheModel",
         {.width = 192, .heads = 4, .kv_heads = 2, .head_size = 128, .biases = true},
         {},
         2},
        {"Heads32NarrowerThanTheModel", {.width = 256, .heads = 3, .kv_heads = 3, .head_size = 32}, {}, 2},
    };
}

RopeOptions by_option(std::optional<Scaling> scaling, std::optional<float> scale = {}, std::optional<float> base = {},
                      std::optional<std::uint32_t> original_context = {}) {
    return {scaling, scale, base, original_context, {}};
}

std::vector<Variation> rotations() {
    const auto with = [](RopeKeys rope) { return RandomShape{.rope = std::move(rope)}; };
    const RopeKeys yarn{.type = "yarn", .factor = 4.0F, .original_context = 64};
    return {
        {"NoneInTheFileIgnoresItsFactor", with({.type = "none", .factor = 4.0F}), {}},
        {"LinearInTheFile", with({.type = "linear", .factor = 4.0F}), {}},
        {"LinearByTheOlderKey", with({.scale_linear = 2.5F}), {}},
        {"BaseInTheFile", with({.freq_base = 500.0F}), {}},
        {"Llama3Factors", with({.freq_base = 500.0F, .llama3_factors = true}), {}},
        {"YarnInTheFile", with(yarn), {}},
        {"YarnWithoutOriginalContext", with({.type = "yarn", .factor = 8.0F}), {}},
        {"YarnWithAttentionFactor",
         with({.type = "yarn", .factor = 4.0F, .original_context = 64, .attention_factor = 0.8F}),
         {}},
        {"NoneByOption", with(yarn), by_option(Scaling::None)},
        {"LinearByOption", {}, by_option(Scaling::Linear, 3.0F)},
        {"ScaleAlone", {}, by_option({}, 2.0F)},
        {"BaseByOption", {}, by_option({}, {}, 100.0F)},
        {"YarnByOption", {}, by_option(Scaling::Yarn, 4.0F, 5000.0F, 128)},
        {"YarnOverYarn", with(yarn), by_option(Scaling::Yarn, 2.0F, {}, 256)},
        {"LinearOverYarnKeepsItsFactor", with(yarn), by_option(Scaling::Linear)},
        {"YarnOverLlama3Factors", with({.llama3_factors = true}), by_option(Scaling::Yarn, 4.0F, {}, 128)},
    };
}

/// One model in both engines, K/V in float32.
class Parity : public testing::TestWithParam<Variation> {
protected:
    Parity()
        : file_(random_model(GetParam().shape)),
          tokens_(random_tokens(GetParam().shape, kTextTokens)),
          expected_(LlamaReference(
                        file_.get(),
                        {.cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED, .rope = GetParam().options})
                        .logits(tokens_)) {}

    [[nodiscard]] Model model() const { return Model::load(file_.get(), {.rope = GetParam().options, .log = {}}); }
    [[nodiscard]] static SessionOptions options(std::uint32_t batch, AttentionPath path = AttentionPath::Cpu) {
        return {.threads = GetParam().threads, .batch = batch, .allow_long = true, .attention = path};
    }
    [[nodiscard]] double prefill_error(const SessionOptions & how) const {
        Session::Impl engine(model(), how);
        return normalised_error(prefill_logits(engine, tokens_, KvType::F32), expected_);
    }
    /// libllama's logits after one token.
    [[nodiscard]] std::span<const float> expected(std::size_t token) const {
        const std::size_t vocabulary = GetParam().shape.vocabulary;
        return std::span(expected_).subspan(token * vocabulary, vocabulary);
    }
    /// The greatest error of the last logits as tokens are appended `count` at a time.
    [[nodiscard]] double append_error(std::size_t count, const SessionOptions & how) const {
        Session session(model(), how);
        const std::span<const Token> tokens(tokens_);
        const Branch branch = full_branch(tokens.first(kPromptTokens), KvType::F32);
        Sequence sequence = std::move(session.prefill({&branch, 1}).sequences.front());
        double worst = normalised_error(sequence.logits(), expected(kPromptTokens - 1));
        for (std::size_t done = kPromptTokens; done < kTextTokens; done += count) {
            const std::size_t next = std::min(count, kTextTokens - done);
            session.append(sequence, tokens.subspan(done, next));
            worst = std::max(worst, normalised_error(sequence.logits(), expected(done + next - 1)));
        }
        return worst;
    }

    TemporaryPath file_;
    std::vector<Token> tokens_;
    std::vector<float> expected_;
};

TEST_P(Parity, PrefillInOneChunkAndInMany) {
    const double one = prefill_error(options(512));
    const double many = prefill_error(options(64));
    std::cout << "error " << one << " in one chunk, " << many << " in chunks of 64\n";
    EXPECT_LT(one, kMostError);
    EXPECT_LT(many, kMostError);
}

TEST_P(Parity, DecodeAndFurtherChunks) {
    const double steps = append_error(1, options(512));
    const double chunks = append_error(50, options(64));
    std::cout << "error " << steps << " step by step, " << chunks << " in chunks of 50\n";
    EXPECT_LT(steps, kMostError);
    EXPECT_LT(chunks, kMostError);
}

std::string variation_name(const testing::TestParamInfo<Variation> & info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Shapes, Parity, testing::ValuesIn(shapes()), variation_name);
INSTANTIATE_TEST_SUITE_P(Rotations, Parity, testing::ValuesIn(rotations()), variation_name);

class PortableParity : public Parity {};

TEST_P(PortableParity, PrefillAndDecode) {
    const double prefill = prefill_error(options(64, AttentionPath::Portable));
    const double steps = append_error(1, options(512, AttentionPath::Portable));
    std::cout << "error " << prefill << " in prefill, " << steps << " step by step\n";
    EXPECT_LT(prefill, kMostError);
    EXPECT_LT(steps, kMostError);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PortableParity, testing::ValuesIn(shapes()), variation_name);

// A case that does not change the logits would prove nothing about its setting.
TEST(Parity, EveryRotationChangesTheLogits) {
    const RandomShape plain;
    const std::vector<Token> tokens = random_tokens(plain, kTextTokens);
    const ReferenceOptions reference{.threads = 1, .cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED};
    const std::vector<float> unscaled = LlamaReference(random_model(plain).get(), reference).logits(tokens);
    for (const Variation & rotation : rotations()) {
        const TemporaryPath file = random_model(rotation.shape);
        ReferenceOptions options = reference;
        options.rope = rotation.options;
        const double change = normalised_error(LlamaReference(file.get(), options).logits(tokens), unscaled);
        if (rotation.name.find("None") == 0) {
            EXPECT_EQ(change, 0) << rotation.name;
        } else {
            EXPECT_GT(change, 1e-3) << rotation.name;
        }
    }
}

// The usual cache and the usual way libllama reads it.
TEST(Parity, HalfPrecisionCacheAgainstFlashAttention) {
    const RandomShape shape{.width = 256, .heads = 4, .kv_heads = 2, .head_size = 64};
    const TemporaryPath file = random_model(shape);
    const std::vector<Token> tokens = random_tokens(shape, kTextTokens);
    const std::vector<float> expected =
        LlamaReference(file.get(), {.threads = 1, .cache = GGML_TYPE_F16, .flash = LLAMA_FLASH_ATTN_TYPE_ENABLED})
            .logits(tokens);
    Session::Impl engine(Model::load(file.get()), {.threads = 1, .batch = 128});
    const double error = normalised_error(prefill_logits(engine, tokens, KvType::F16), expected);
    std::cout << "error " << error << '\n';
    EXPECT_LT(error, 1e-5);
}

}  // namespace
}  // namespace snapkv::test
