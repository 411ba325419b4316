// Every family on small random float32 models: logits against libllama's, over prompts longer than any window.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <numeric>
#include <ostream>
#include <string>
#include <utility>

#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/quantised.h"
#include "parity/random_family.h"
#include "parity/random_model.h"
#include "run/layer_shape.h"
#include "support/naive_selection.h"

namespace snapkv::test {
namespace {

using HeadNorms = FamilyShape::HeadNorms;

constexpr std::size_t kTokens = 300;
constexpr std::size_t kPrefilled = 130;  // the rest comes step by step
constexpr std::uint32_t kSlidingWindow = 48;
constexpr std::uint32_t kContext = 512;
constexpr double kMost = 1e-6;  // of the normalised squared error

struct Case {
    std::string name;
    FamilyShape shape;
};

void PrintTo(const Case & value, std::ostream * out) {
    *out << value.name;
}

std::vector<Case> llamas() {
    return {
        {"Llama2Ungrouped", {.architecture = "llama", .kv_heads = 4, .reals = {{"rope.freq_base", 1e7F}}}},
        {"LongChatLinear8", {.architecture = "llama", .kv_heads = 4, .reals = {{"rope.scaling.factor", 8.0F}}}},
        {"MistralNemoHeads", {.architecture = "llama", .width = 160, .head_size = 64}},
        {"Mixtral", {.architecture = "llama", .experts = 8, .experts_used = 2, .expert_feed_forward = 192}},
        {"MixtralUngrouped",
         {.architecture = "llama", .kv_heads = 4, .experts = 4, .experts_used = 1, .expert_feed_forward = 192}},
    };
}

std::vector<Case> qwens() {
    return {
        {"Qwen2", {.architecture = "qwen2", .biases = true, .tied = true}},
        {"Qwen2Ungrouped", {.architecture = "qwen2", .kv_heads = 4, .biases = true}},
        {"Qwen3", {.architecture = "qwen3", .head_size = 64, .head_norms = HeadNorms::Shared}},
        {"Qwen3Ungrouped", {.architecture = "qwen3", .kv_heads = 4, .head_norms = HeadNorms::Shared, .tied = true}},
        {"Qwen3Moe", {.architecture = "qwen3moe", .head_norms = HeadNorms::Shared, .experts = 16, .experts_used = 4}},
    };
}

std::vector<Case> gemmas() {
    const FamilyShape gemma2{.architecture = "gemma2",
                             .numbers = {{"attention.sliding_window", kSlidingWindow}},
                             .post_norms = true,
                             .tied = true};
    FamilyShape gemma3 = gemma2;
    gemma3.architecture = "gemma3";
    gemma3.layers = 7;
    gemma3.reals = {{"rope.freq_base", 1e6F}, {"rope.scaling.factor", 8.0F}};
    gemma3.head_norms = HeadNorms::Shared;
    FamilyShape listed = gemma3;
    listed.layers = 4;
    listed.sliding_pattern = {true, false, false, true};
    FamilyShape wide = gemma2;
    wide.head_size = 256;
    return {{"Gemma2", gemma2}, {"Gemma2Heads256", wide}, {"Gemma3", gemma3}, {"Gemma3PatternAsAList", listed}};
}

std::vector<Case> coheres() {
    const FamilyShape command_r{.architecture = "command-r",
                                .reals = {{"logit_scale", 0.0625F}},
                                .layer_norm = true,
                                .network_norm = "",
                                .tied = true};
    FamilyShape cohere2 = command_r;
    cohere2.architecture = "cohere2";
    cohere2.layers = 5;
    cohere2.numbers = {{"attention.sliding_window", kSlidingWindow}};
    return {{"CommandR", command_r}, {"Cohere2", cohere2}};
}

std::vector<Case> others() {
    const FamilyShape phi3{.architecture = "phi3",
                           .numbers = {{"rope.scaling.original_context_length", 256}},
                           .fused_qkv = true,
                           .fused_gate = true};
    FamilyShape longrope = phi3;
    longrope.reals = {{"rope.scaling.attn_factor", 1.19F}};
    longrope.long_factors = true;
    FamilyShape shortrope = longrope;
    shortrope.numbers = {{"rope.scaling.original_context_length", kContext}};
    const FamilyShape granite{.architecture = "granite",
                              .reals = {{"logit_scale", 8.0F},
                                        {"residual_scale", 0.22F},
                                        {"embedding_scale", 12.0F},
                                        {"attention.scale", 0.0156F}},
                              .tied = true};
    FamilyShape unrotated = granite;
    unrotated.flags = {{"rope.scaling.finetuned", false}};
    return {
        {"Phi3", phi3},
        {"Phi3LongFactors", longrope},
        {"Phi3ShortFactors", shortrope},
        {"SmolLm3", {.architecture = "smollm3", .layers = 5, .tied = true}},
        {"Granite", granite},
        {"GraniteWithoutPositions", unrotated},
        {"GptOss",
         {.architecture = "gpt-oss",
          .numbers = {{"attention.sliding_window", kSlidingWindow}},
          .biases = true,
          .output_bias = true,
          .network_norm = "post_attention_norm",
          .experts = 8,
          .experts_used = 4,
          .expert_biases = true,
          .sinks = true}},
    };
}

/// One model in both engines, K/V in float32.
class Families : public testing::TestWithParam<Case> {
protected:
    Families()
        : file_(random_family(GetParam().shape)),
          tokens_(random_tokens({.vocabulary = GetParam().shape.vocabulary}, kTokens)),
          expected_(
              LlamaReference(
                  file_.get(),
                  {.context = kContext, .threads = 1, .cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED})
                  .logits(tokens_)) {}

    [[nodiscard]] Model model() const {
        ModelOptions options;
        options.rope.context = kContext;
        return Model::load(file_.get(), options);
    }
    [[nodiscard]] static SessionOptions options(std::uint32_t batch, AttentionPath path) {
        return {.threads = 1, .batch = batch, .context = kContext, .attention = path};
    }
    [[nodiscard]] double prefill_error(const SessionOptions & how) const {
        Session::Impl engine(model(), how);
        return normalised_error(prefill_logits(engine, tokens_, KvType::F32), expected_);
    }
    [[nodiscard]] double step_error(const SessionOptions & how) const {
        Session session(model(), how);
        const std::size_t vocabulary = GetParam().shape.vocabulary;
        return normalised_error(step_logits(session, tokens_, kPrefilled, KvType::F32),
                                std::span(expected_).subspan((kPrefilled - 1) * vocabulary));
    }

    TemporaryPath file_;
    std::vector<Token> tokens_;
    std::vector<float> expected_;
};

TEST_P(Families, LogitsAreLibllamas) {
    for (const AttentionPath path : {AttentionPath::Cpu, AttentionPath::Portable}) {
        const double one = prefill_error(options(512, path));
        const double many = prefill_error(options(64, path));
        const double steps = step_error(options(64, path));
        std::cout << "error " << one << " in one chunk, " << many << " in chunks of 64, " << steps << " step by step\n";
        EXPECT_LT(one, kMost);
        EXPECT_LT(many, kMost);
        EXPECT_LT(steps, kMost);
    }
}

// Weights of eight bits: both round inputs to eight bits too, each in its own products.
TEST_P(Families, QuantisedWeightsGiveTheirOwnNoise) {
    const TemporaryPath file(".gguf");
    quantise(file_.get(), file.get(), LLAMA_FTYPE_MOSTLY_Q8_0);
    const std::vector<float> expected =
        LlamaReference(
            file.get(),
            {.context = kContext, .threads = 1, .cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED})
            .logits(tokens_);
    ModelOptions loading;
    loading.rope.context = kContext;
    const Model model = Model::load(file.get(), loading);
    Session::Impl engine(model, options(64, AttentionPath::Cpu));
    const double prefill = normalised_error(prefill_logits(engine, tokens_, KvType::F32), expected);
    Session session(model, options(64, AttentionPath::Cpu));
    const double steps = normalised_error(step_logits(session, tokens_, kPrefilled, KvType::F32),
                                          std::span(expected).subspan((kPrefilled - 1) * GetParam().shape.vocabulary));
    const double noise = normalised_error(expected, expected_);
    std::cout << "error " << prefill << " in prefill, " << steps << " step by step; of the quantised model itself "
              << noise << '\n';
    EXPECT_LT(prefill, std::max(1e-3, noise));
    EXPECT_LT(steps, std::max(1e-3, noise));
}

/// q . k of one layer's queries and keys as libllama has them.
Product products(const LlamaReference::Looked & looked, const FamilyShape & shape, std::uint32_t layer) {
    const std::vector<float> & queries = looked.tensors.at("Qcur-" + std::to_string(layer));
    const std::vector<float> & keys = looked.tensors.at("Kcur-" + std::to_string(layer));
    return [&queries, &keys, &shape](std::uint32_t head, std::uint32_t query, std::uint32_t key) {
        const std::uint32_t kv_head = head / (shape.heads / shape.kv_heads);
        const float * q = queries.data() + (std::size_t{query} * shape.heads + head) * shape.head_size;
        const float * k = keys.data() + (std::size_t{key} * shape.kv_heads + kv_head) * shape.head_size;
        return std::inner_product(q, q + shape.head_size, k, 0.0, std::plus<>(),
                                  [](float a, float b) { return double{a} * b; });
    };
}

// The kept positions are those of a naive selection from libllama's own queries and keys; layers that slide keep their
// window.
TEST_P(Families, KeepsWhatTheOracleKeeps) {
    const FamilyShape & shape = GetParam().shape;
    LlamaReference reference(
        file_.get(),
        {.context = kContext, .threads = 1, .cache = GGML_TYPE_F32, .flash = LLAMA_FLASH_ATTN_TYPE_DISABLED});
    const LlamaReference::Looked looked = reference.look(tokens_);
    Branch branch = full_branch(tokens_, KvType::F32);
    branch.cache.policy = Policy::SnapKV;
    branch.cache.budget.value = 80;
    branch.cache.window = 16;
    branch.cache.kernel = 5;
    Session session(model(), options(64, AttentionPath::Cpu));
    const Sequence sequence = std::move(session.prefill({&branch, 1}).sequences.front());
    const KeptPositions kept = sequence.kept_positions();
    const Model::Impl & impl = *session.model().impl();
    std::uint64_t rows = 0;
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        const attention::AttentionSpec spec = run::layer_spec(impl.params, *impl.architecture, layer);
        if (spec.sliding_window > 0) {
            std::vector<std::uint32_t> last(kSlidingWindow);
            std::iota(last.begin(), last.end(), static_cast<std::uint32_t>(kTokens) - kSlidingWindow);
            EXPECT_EQ(kept[layer], std::vector<std::vector<std::uint32_t>>(shape.kv_heads, last)) << "layer " << layer;
            rows += std::uint64_t{shape.kv_heads} * kSlidingWindow;
            continue;
        }
        NaiveCut cut{.n = kTokens, .budget = 80, .window = 16, .kernel = 5};
        cut.heads = shape.heads;
        cut.kv_heads = shape.kv_heads;
        // Phi-3's queries are shown with their scale.
        cut.scale = shape.architecture == "phi3" ? 1 : spec.scale;
        cut.soft_cap = spec.soft_cap;
        cut.sinks.assign(spec.sinks.begin(), spec.sinks.end());
        const auto scores = naive_scores(cut, products(looked, shape, layer));
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const NaiveKept expected = naive_kept(cut, scores[head]);
            for (const std::uint32_t position : differing(kept[layer][head], expected.positions)) {
                EXPECT_NEAR(scores[head][position] / expected.last_score, 1, 1e-4) << "layer " << layer;
            }
            rows += kept[layer][head].size();
        }
    }
    EXPECT_EQ(sequence.cache_stats().rows_kept, rows);
}

std::string name_of(const testing::TestParamInfo<Case> & info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Llama, Families, testing::ValuesIn(llamas()), name_of);
INSTANTIATE_TEST_SUITE_P(Qwen, Families, testing::ValuesIn(qwens()), name_of);
INSTANTIATE_TEST_SUITE_P(Gemma, Families, testing::ValuesIn(gemmas()), name_of);
INSTANTIATE_TEST_SUITE_P(Cohere, Families, testing::ValuesIn(coheres()), name_of);
INSTANTIATE_TEST_SUITE_P(Others, Families, testing::ValuesIn(others()), name_of);

}  // namespace
}  // namespace snapkv::test
