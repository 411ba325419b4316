// What write_random_model makes is a model to libllama too, and the same one.
#include <gtest/gtest.h>

#include <iostream>

#include "parity/engine.h"
#include "parity/llama_reference.h"
#include "parity/random_model.h"
#include "parity/temporary_path.h"
#include "snapkv/random_model.h"

namespace snapkv::test {
namespace {

void expect_agreement(const RandomModelOptions & options) {
    const TemporaryPath file(".gguf");
    write_random_model(file.get(), options);
    const Model model = Model::load(file.get());
    const std::vector<Token> tokens = random_tokens({.vocabulary = model.info().vocabulary}, 150);
    const std::vector<float> expected = LlamaReference(file.get(), {.threads = 1}).logits(tokens);
    Session::Impl engine(model, {.threads = 1, .batch = 64});
    const double error = normalised_error(prefill_logits(engine, tokens, KvType::F16), expected);
    std::cout << options.shape << " " << options.type << ": error " << error << '\n';
    EXPECT_LT(error, 1e-3);
}

TEST(MadeModel, AgreesWithLibllama) {
    for (const char * type : {"f32", "bf16", "q4_0", "q6_k"}) {
        expect_agreement({.type = type});
    }
    expect_agreement({.shape = "smollm2-135m", .type = "q8_0", .layers = 2, .vocabulary = SNAPKV_TEST_MODEL});
}

}  // namespace
}  // namespace snapkv::test
