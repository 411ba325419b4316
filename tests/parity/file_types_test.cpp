// Every way a weight may be stored, on a random model of width 256 (what K-quants need), with one bound throughout: the
// same arithmetic as libllama's (ggml's products and attention) against libllama on the same file, and the faster paths
// against libllama on the same weights stored as float32. libllama rounds inputs of products to eight bits, which alone
// errs by up to 1e-3 on this model; widened products must be nearer to float32 than that.

#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "ggml-cpu.h"
#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/quantised.h"
#include "parity/random_model.h"
#include "product/gemm.h"

namespace snapkv::test {
namespace {

constexpr std::size_t kSteps = 40;  // the last so many tokens come step by step

struct FileType {
    const char * name;
    llama_ftype type;
    bool quantised = true;
    bool repacked = false;  ///< ggml has a layout of its own for it on x86 with AVX2
};

void PrintTo(const FileType & value, std::ostream * out) {
    *out << value.name;
}

constexpr FileType kTypes[] = {
    {"F32", LLAMA_FTYPE_ALL_F32, false},
    {"F16", LLAMA_FTYPE_MOSTLY_F16, false},
    {"BF16", LLAMA_FTYPE_MOSTLY_BF16, false},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
    {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0, true, true},
    {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},
    {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M, true, true},
    {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
    {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL, true, true},
    {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS},
};

class FileTypes : public testing::TestWithParam<FileType> {};

struct Paths {
    ProductPath products = ProductPath::Auto;
    AttentionPath attention = AttentionPath::Cpu;
};
struct Errors {
    double prefill = 0;
    double steps = 0;
};

/// Of one prefill, and of single steps after a shorter one: they take other paths through products and attention.
Errors errors(const Model & model, std::span<const Token> tokens, std::span<const float> expected,
              const Paths & paths) {
    const SessionOptions options{.threads = 1, .batch = 128, .attention = paths.attention, .products = paths.products};
    Session::Impl engine(model, options);
    Session session(model, options);
    const std::vector<float> stepped = step_logits(session, tokens, tokens.size() - kSteps, KvType::F16);
    return {normalised_error(prefill_logits(engine, tokens, KvType::F16), expected),
            normalised_error(stepped, expected.last(stepped.size()))};
}

TEST_P(FileTypes, GiveTheSameLogits) {
    const RandomShape shape{.width = 256, .heads = 4, .kv_heads = 2, .head_size = 64, .layers = 3, .feed_forward = 512};
    const TemporaryPath source = random_model(shape);
    const TemporaryPath file(".gguf");
    quantise(source.get(), file.get(), GetParam().type);
    const std::vector<Token> tokens = random_tokens(shape, 200);
    const std::vector<float> expected = LlamaReference(file.get(), {.threads = 1}).logits(tokens);

    std::string log;
    const Model model =
        Model::load(file.get(), {.rope = {}, .log = [&](std::string_view line) { log.append(line).append("\n"); }});
    const Errors same =
        errors(model, tokens, expected, {.products = ProductPath::Stored, .attention = AttentionPath::Portable});
    EXPECT_LT(same.prefill, 1e-3);
    EXPECT_LT(same.steps, 1e-3);

    const TemporaryPath exact_file(".gguf");
    quantise(file.get(), exact_file.get(), LLAMA_FTYPE_ALL_F32);
    const std::vector<float> exact = LlamaReference(exact_file.get(), {.threads = 1}).logits(tokens);
    const Errors usual = errors(model, tokens, exact, {});
    EXPECT_LT(usual.prefill, 1e-3);
    EXPECT_LT(usual.steps, 1e-3);
    const double own = normalised_error(expected, exact);
    if (GetParam().quantised) {  // rounding weights to eight bits too at most doubles what rounding inputs does
        EXPECT_LT(usual.prefill, 2 * own);
        EXPECT_LT(usual.steps, 2 * own);
    }
    std::cout << GetParam().name << ": error with libllama's arithmetic " << same.prefill << ", step by step "
              << same.steps << "; usual paths against float32 " << usual.prefill << ", step by step " << usual.steps
              << ", libllama's own " << own;
    if (product::gemm_available(product::Element::F32)) {
        const Errors widened = errors(model, tokens, exact, {.products = ProductPath::Widened});
        std::cout << ", widened " << widened.prefill << ", step by step " << widened.steps;
        EXPECT_LT(widened.prefill, GetParam().quantised ? own : 1e-3);
        EXPECT_LT(widened.steps, GetParam().quantised ? own : 1e-3);
    }
    std::cout << '\n' << log;
    // Repacked copies serve where a prefill has no products of its own.
    const bool repacks = GetParam().repacked && ggml_cpu_has_avx2() != 0 &&
                         !product::gemm_available(product::Element::F32) &&
                         !product::gemm_available(product::Element::I8);
    EXPECT_EQ(log.find("CPU_REPACK") != std::string::npos, repacks) << log;
}

INSTANTIATE_TEST_SUITE_P(Random256, FileTypes, testing::ValuesIn(kTypes),
                         [](const testing::TestParamInfo<FileType> & type) { return std::string(type.param.name); });

}  // namespace
}  // namespace snapkv::test
