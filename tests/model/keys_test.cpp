#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "model/loading.h"

namespace snapkv {
namespace {

using test::TinyModel;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// A tiny model whose key is changed before it is written.
TinyModel with_keys(const std::function<void(gguf_context *)> & change) {
    TinyModel model(test::TinyShape{.layers = 1});
    model.change_keys = change;
    return model;
}

std::string refusal_of_u32(const char * key, std::uint32_t value) {
    return test::load_refusal(with_keys([&](gguf_context * file) { gguf_set_val_u32(file, key, value); }));
}

std::string refusal_without(const char * key) {
    return test::load_refusal(with_keys([&](gguf_context * file) { gguf_remove_key(file, key); }));
}

TEST(ModelKeys, OfATinyModelAreRead) {
    const test::TinyModelFile file(test::TinyShape{
        .layers = 2, .heads = 6, .kv_heads = 3, .key_size = 12, .value_size = 20, .width = 40, .context = 333});
    const model::HyperParameters params = test::load(file);
    EXPECT_EQ(params.architecture, "llama");
    EXPECT_EQ(params.layers, 2U);
    EXPECT_EQ(params.heads, 6U);
    EXPECT_EQ(params.kv_heads, 3U);
    EXPECT_EQ(params.key_size, 12U);
    EXPECT_EQ(params.value_size, 20U);
    EXPECT_EQ(params.width, 40U);
    EXPECT_EQ(params.feed_forward, 96U);
    EXPECT_EQ(params.trained_context, 333U);
    EXPECT_FLOAT_EQ(params.attention_scale, 1 / std::sqrt(12.0F));
    EXPECT_FLOAT_EQ(params.norm_epsilon, 1e-5F);
}

TEST(ModelKeys, OfHeadSizesMayBeLeftOut) {
    TinyModel model(test::TinyShape{.layers = 1, .heads = 4, .kv_heads = 4, .key_size = 16, .width = 64});
    model.change_keys = [](gguf_context * file) {
        gguf_remove_key(file, "llama.attention.key_length");
        gguf_remove_key(file, "llama.attention.value_length");
        gguf_remove_key(file, "llama.attention.head_count_kv");
        gguf_remove_key(file, "llama.rope.dimension_count");
    };
    const model::HyperParameters params = test::load(test::TinyModelFile(model));
    EXPECT_EQ(params.key_size, 16U);
    EXPECT_EQ(params.value_size, 16U);
    EXPECT_EQ(params.kv_heads, 4U);
    EXPECT_EQ(params.rope.dimensions, 16U);
}

TEST(ModelKeys, ThatAreMissingAreNamed) {
    for (const char * key :
         {"general.architecture", "llama.block_count", "llama.context_length", "llama.embedding_length",
          "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"}) {
        EXPECT_THAT(refusal_without(key), AllOf(HasSubstr(key), HasSubstr("missing")));
    }
}

TEST(ModelKeys, OutOfRangeAreNamed) {
    for (const char * key : {"llama.block_count", "llama.context_length", "llama.embedding_length",
                             "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.head_count_kv",
                             "llama.attention.key_length", "llama.attention.value_length"}) {
        EXPECT_THAT(refusal_of_u32(key, 0), AllOf(HasSubstr(key), HasSubstr("is 0")));
        EXPECT_THAT(refusal_of_u32(key, std::numeric_limits<std::uint32_t>::max()),
                    AllOf(HasSubstr(key), HasSubstr("4294967295")));
    }
}

TEST(ModelKeys, OfAMillionLayersAreRefused) {
    EXPECT_THAT(refusal_of_u32("llama.block_count", 1000000),
                AllOf(HasSubstr("llama.block_count"), HasSubstr("1000000")));
}

TEST(ModelKeys, OfHeadsThatDoNotDivideAreRefused) {
    EXPECT_THAT(refusal_of_u32("llama.attention.head_count_kv", 3),
                AllOf(HasSubstr("head_count is 4"), HasSubstr("head_count_kv 3")));
    EXPECT_THAT(refusal_of_u32("llama.attention.head_count_kv", 8), HasSubstr("head_count_kv 8"));
}

TEST(ModelKeys, OfMoreHeadsThanWidthAreRefused) {
    TinyModel model(test::TinyShape{.layers = 1});
    model.change_keys = [](gguf_context * file) {
        gguf_set_val_u32(file, "llama.attention.head_count", 128);
        gguf_remove_key(file, "llama.attention.key_length");
    };
    EXPECT_THAT(test::load_refusal(model), HasSubstr("key_length"));
}

TEST(ModelKeys, OfTheWrongTypeAreNamed) {
    EXPECT_THAT(test::load_refusal(
                    with_keys([](gguf_context * file) { gguf_set_val_str(file, "llama.block_count", "three"); })),
                AllOf(HasSubstr("llama.block_count"), HasSubstr("str")));
    EXPECT_THAT(test::load_refusal(with_keys(
                    [](gguf_context * file) { gguf_set_val_u32(file, "llama.attention.layer_norm_rms_epsilon", 1); })),
                HasSubstr("layer_norm_rms_epsilon"));
}

TEST(ModelKeys, OfAnEpsilonThatIsNoneAreRefused) {
    for (const float value : {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        EXPECT_THAT(test::load_refusal(with_keys([&](gguf_context * file) {
                        gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", value);
                    })),
                    HasSubstr("layer_norm_rms_epsilon"));
    }
}

TEST(ModelKeys, MayBeGivenForEachLayerIfTheyAgree) {
    const std::vector<std::int32_t> alike(3, 2);
    const std::vector<std::int32_t> others{2, 4, 2};
    TinyModel model;
    model.change_keys = [&](gguf_context * file) {
        gguf_set_arr_data(file, "llama.attention.head_count_kv", GGUF_TYPE_INT32, alike.data(), alike.size());
    };
    EXPECT_EQ(test::load(test::TinyModelFile(model)).kv_heads, 2U);
    model.change_keys = [&](gguf_context * file) {
        gguf_set_arr_data(file, "llama.attention.head_count_kv", GGUF_TYPE_INT32, others.data(), others.size());
    };
    EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr("head_count_kv"), HasSubstr("layer to layer")));
}

TEST(ModelKeys, OfOtherArchitecturesNameThoseThatAreSupported) {
    EXPECT_THAT(test::load_refusal(
                    with_keys([](gguf_context * file) { gguf_set_val_str(file, "general.architecture", "mamba"); })),
                AllOf(HasSubstr("'mamba'"), HasSubstr("supported: llama")));
}

// error_of() holds every refusal to one line.
TEST(ModelKeys, OfTextThatIsNoneAreQuotedInOneLine) {
    const auto refusal_of_text = [](const char * key, const char * text) {
        return test::load_refusal(with_keys([&](gguf_context * file) { gguf_set_val_str(file, key, text); }));
    };
    EXPECT_THAT(refusal_of_text("general.architecture", "two\nlines"), HasSubstr("architecture 'two\\x0Alines'"));
    EXPECT_THAT(refusal_of_text("llama.rope.scaling.type", "\x1B[2J"),
                HasSubstr("llama.rope.scaling.type is '\\x1B[2J'"));
    TinyModel model(test::TinyShape{.layers = 1});
    model.tensors["\xC3\xA9"] = {{16}, GGML_TYPE_F32, std::vector<float>(16)};
    EXPECT_THAT(test::load_refusal(model), HasSubstr("tensor '\\xC3\\xA9' is not part"));
}

TEST(ModelKeys, OfExpertsMustBeWhole) {
    EXPECT_THAT(refusal_of_u32("llama.expert_count", 5000),
                HasSubstr("llama.expert_count is 5000, expected 0 to 4096"));
    EXPECT_THAT(refusal_of_u32("llama.expert_count", 8), HasSubstr("llama.expert_used_count"));
    for (const std::uint32_t used : {0U, 9U}) {
        EXPECT_THAT(test::load_refusal(with_keys([&](gguf_context * file) {
                        gguf_set_val_u32(file, "llama.expert_count", 8);
                        gguf_set_val_u32(file, "llama.expert_used_count", used);
                    })),
                    HasSubstr("expected 1 to 8"));
    }
    EXPECT_THAT(test::load_refusal(with_keys([](gguf_context * file) {
                    gguf_set_val_u32(file, "llama.expert_count", 8);
                    gguf_set_val_u32(file, "llama.expert_used_count", 2);
                })),
                HasSubstr("blk.0.ffn_gate_inp.weight is missing"));
    TinyModel model(test::TinyShape{.layers = 1});
    model.change_keys = [](gguf_context * file) { gguf_set_val_u32(file, "llama.expert_count", 0); };
    EXPECT_EQ(test::load(test::TinyModelFile(model)).layers, 1U);
}

TEST(ModelKeys, OfAVocabularyOfAnotherSizeAreRefused) {
    TinyModel model(test::TinyShape{.layers = 1});
    test::TinyTensor & embedding = model.tensors["token_embd.weight"];
    embedding.shape[1] += 1;
    embedding.values.resize(embedding.values.size() + 64);
    EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr("tokenizer.ggml.tokens"), HasSubstr("token_embd.weight")));
}

}  // namespace
}  // namespace snapkv
