#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/loading.h"

namespace snapkv {
namespace {

using test::TinyModel;
using ::testing::AllOf;
using ::testing::HasSubstr;

TinyModel one_layer(bool biases = false) {
    return TinyModel(test::TinyShape{.layers = 1, .biases = biases});
}

void resize(test::TinyTensor & tensor, std::vector<std::int64_t> shape) {
    std::int64_t elements = 1;
    for (const std::int64_t size : shape) {
        elements *= size;
    }
    tensor.shape = std::move(shape);
    tensor.values.resize(static_cast<std::size_t>(elements));
}

TEST(ModelTensors, ThatAreMissingAreNamed) {
    for (const auto & [name, tensor] : one_layer().tensors) {
        if (name == "output.weight") {
            continue;  // without it the embeddings serve as output
        }
        TinyModel model = one_layer();
        model.tensors.erase(name);
        EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr("tensor " + name), HasSubstr("missing")));
    }
}

TEST(ModelTensors, OfTheWrongShapeAreNamedWithBoth) {
    for (const auto & [name, tensor] : one_layer(true).tensors) {
        if (name == "token_embd.weight") {
            continue;  // its rows are the vocabulary: tests of the keys
        }
        TinyModel model = one_layer(true);
        std::vector<std::int64_t> shape = tensor.shape;
        shape.front() += 32;
        resize(model.tensors[name], shape);
        EXPECT_THAT(test::load_refusal(model),
                    AllOf(HasSubstr("tensor " + name), HasSubstr(std::to_string(tensor.shape.front())),
                          HasSubstr(std::to_string(shape.front())), HasSubstr("expected")));
    }
}

TEST(ModelTensors, WithTheirSidesExchangedAreRefused) {
    TinyModel model = one_layer();
    test::TinyTensor & gate = model.tensors["blk.0.ffn_gate.weight"];
    std::swap(gate.shape[0], gate.shape[1]);
    EXPECT_THAT(test::load_refusal(model), HasSubstr("blk.0.ffn_gate.weight"));
}

TEST(ModelTensors, ThatNobodyKnowsAreRefused) {
    for (const char * name :
         {"blk.0.attn_q_norm.weight", "blk.1.attn_q.weight", "blk.0.ffn_gate_inp.weight", "extra"}) {
        TinyModel model = one_layer();
        model.tensors[name] = {{16}, GGML_TYPE_F32, std::vector<float>(16)};
        EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr(name), HasSubstr("not part")));
    }
}

TEST(ModelTensors, OfTypesThatCannotServeAreRefused) {
    TinyModel model = one_layer();
    model.tensors["output_norm.weight"].type = GGML_TYPE_F16;
    EXPECT_THAT(test::load_refusal(model),
                AllOf(HasSubstr("output_norm.weight"), HasSubstr("f16"), HasSubstr("expected f32")));
    model = one_layer();
    model.tensors["blk.0.attn_q.weight"].type = GGML_TYPE_I32;
    EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr("blk.0.attn_q.weight"), HasSubstr("i32")));
}

TEST(ModelTensors, OfEveryVariantAreTaken) {
    for (const bool tied : {false, true}) {
        for (const bool biases : {false, true}) {
            for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16}) {
                test::TinyShape shape;
                shape.type = type;
                shape.tied = tied;
                shape.biases = biases;
                shape.rope_factors = biases;
                EXPECT_EQ(test::load(test::TinyModelFile(shape)).layers, 3U);
            }
        }
    }
}

TEST(ModelTensors, AreCountedAndLogged) {
    const TinyModel tiny = one_layer();
    const test::TinyModelFile path(tiny);
    const gguf::File file = gguf::File::open(path.path());
    const model::HyperParameters params = model::read_hyper_parameters(file, {});
    model::Weights weights(file);
    const model::Decoder decoder(params, weights);
    std::string log;
    weights.finish([&](std::string_view line) { log += line; });
    std::uint64_t bytes = 0;
    for (const auto & [name, tensor] : tiny.tensors) {
        bytes += tensor.values.size() * sizeof(float);
    }
    EXPECT_EQ(weights.bytes(), bytes);
    EXPECT_THAT(log, HasSubstr("weights: " + std::to_string(tiny.tensors.size()) + " tensors"));
}

}  // namespace
}  // namespace snapkv
