// Every way a weight may be stored, on a random model of width 256 (what K-quants need): logits against libllama's.
// Both engines multiply with the same ggml, which rounds activations for quantised weights; a last bit before that
// rounding may move a step of it, so the bound is that of quantisation, not of float32.

#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "ggml-cpu.h"
#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/quantised.h"
#include "parity/random_model.h"

namespace snapkv::test {
namespace {

constexpr std::size_t kTokens = 200;
constexpr std::size_t kPrefilled = 160;  // the rest comes step by step

struct FileType {
    const char * name;
    llama_ftype type;
    bool repacked = false;  ///< ggml has a layout of its own for it on x86 with AVX2
};

void PrintTo(const FileType & value, std::ostream * out) {
    *out << value.name;
}

constexpr FileType kTypes[] = {
    {"F32", LLAMA_FTYPE_ALL_F32},
    {"F16", LLAMA_FTYPE_MOSTLY_F16},
    {"BF16", LLAMA_FTYPE_MOSTLY_BF16},
    {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
    {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0, true},
    {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},
    {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M},
    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M, true},
    {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
    {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL, true},
    {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS},
};

class FileTypes : public testing::TestWithParam<FileType> {};

TEST_P(FileTypes, GiveTheSameLogits) {
    const RandomShape shape{.width = 256, .heads = 4, .kv_heads = 2, .head_size = 64, .layers = 3, .feed_forward = 512};
    const TemporaryPath source = random_model(shape);
    const TemporaryPath file(".gguf");
    quantise(source.get(), file.get(), GetParam().type);
    const std::vector<Token> tokens = random_tokens(shape, kTokens);
    const std::vector<float> expected = LlamaReference(file.get(), {.threads = 1}).logits(tokens);

    std::string log;
    const Model model =
        Model::load(file.get(), {.rope = {}, .log = [&](std::string_view line) { log.append(line).append("\n"); }});
    Session::Impl engine(model, {.threads = 1, .batch = 128});
    const double prefill = normalised_error(prefill_logits(engine, tokens, KvType::F16), expected);
    // Single rows take other paths through ggml than chunks do.
    Session session(model, {.threads = 1, .batch = 128});
    const std::vector<float> stepped = step_logits(session, tokens, kPrefilled, KvType::F16);
    const double steps = normalised_error(stepped, std::span(expected).last(stepped.size()));
    std::cout << GetParam().name << ": error " << prefill << " in prefill, " << steps << " step by step\n" << log;
    EXPECT_EQ(stepped.size(), (kTokens - kPrefilled + 1) * shape.vocabulary);
    EXPECT_LT(prefill, 1e-3);
    EXPECT_LT(steps, 1e-3);
    if (GetParam().repacked && ggml_cpu_has_avx2() != 0) {
        EXPECT_NE(log.find("CPU_REPACK"), std::string::npos) << log;
    }
}

INSTANTIATE_TEST_SUITE_P(Random256, FileTypes, testing::ValuesIn(kTypes),
                         [](const testing::TestParamInfo<FileType> & type) { return std::string(type.param.name); });

}  // namespace
}  // namespace snapkv::test
