// What write_random_model makes is a model to libllama too, and the same one.
#include <gtest/gtest.h>

#include <iostream>
#include <utility>

#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/random_model.h"
#include "parity/temporary_path.h"
#include "snapkv/tools/random_model.h"
#include "synthetic/write_shape.h"

namespace snapkv::test {
namespace {

double error_of(const std::filesystem::path & file) {
    const Model model = Model::load(file);
    const std::vector<Token> tokens = random_tokens({.vocabulary = model.info().vocabulary}, 150);
    const std::vector<float> expected = LlamaReference(file, {.threads = 1}).logits(tokens);
    Session::Impl engine(model, {.threads = 1, .batch = 64});
    return normalised_error(prefill_logits(engine, tokens, KvType::F16), expected);
}

void expect_agreement(const RandomModelOptions & options) {
    const TemporaryPath file(".gguf");
    write_random_model(file.get(), options);
    const double error = error_of(file.get());
    std::cout << options.shape << " " << options.type << ": error " << error << '\n';
    EXPECT_LT(error, 1e-3);
}

/// The shape with all its keys and tensors and its head size, but of two layers and a fraction of the width.
synthetic::Shape narrowed(const std::string & name, std::uint32_t divisor) {
    synthetic::Shape shape = synthetic::find_shape({.shape = name, .layers = 2});
    for (std::uint32_t * size : {&shape.width, &shape.heads, &shape.kv_heads, &shape.feed_forward}) {
        EXPECT_EQ(*size % divisor, 0U) << name;
        *size /= divisor;
    }
    shape.vocabulary = 320;
    return shape;
}

TEST(MadeModel, AgreesWithLibllama) {
    for (const char * type : {"f32", "bf16", "q4_0", "q6_k"}) {
        expect_agreement({.type = type});
    }
    expect_agreement({.shape = "smollm2-135m", .type = "q8_0", .layers = 2, .vocabulary = SNAPKV_TEST_MODEL});
}

TEST(MadeModel, OfEveryArchitectureAgreesWithLibllama) {
    const auto expect = [](const std::string & name, std::uint32_t divisor, const std::string & type, double most) {
        const TemporaryPath file(".gguf");
        synthetic::write_shape(file.get(), narrowed(name, divisor), {.type = type});
        const double error = error_of(file.get());
        std::cout << name << " " << type << ": error " << error << '\n';
        EXPECT_LT(error, most) << name << " " << type;
    };
    for (const auto & [name, divisor] : {std::pair("command-r", 16U), std::pair("qwen3-8b", 8U)}) {
        expect(name, divisor, "f32", 1e-5);
        expect(name, divisor, "q8_0", 1e-3);
    }
    expect("mixtral-8x7b", 8, "f32", 1e-5);
    expect("mixtral-8x7b", 8, "q8_0", 0.05);  // roundings may change which experts are chosen
}

}  // namespace
}  // namespace snapkv::test
