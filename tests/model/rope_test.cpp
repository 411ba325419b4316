#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/loading.h"

namespace snapkv {
namespace {

using test::TinyModel;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Scaling = RopeOptions::Scaling;

TinyModel with_rope_keys(const std::function<void(gguf_context *)> & change) {
    TinyModel model(test::TinyShape{.layers = 1, .context = 1000});
    model.change_keys = change;
    return model;
}

model::Rope rope_of(const std::function<void(gguf_context *)> & change, const RopeOptions & options = {}) {
    return test::load(test::TinyModelFile(with_rope_keys(change)), options).rope;
}

void set_scaling(gguf_context * file, const char * type, float factor) {
    gguf_set_val_str(file, "llama.rope.scaling.type", type);
    gguf_set_val_f32(file, "llama.rope.scaling.factor", factor);
}

TEST(Rope, ComesFromTheFile) {
    const model::Rope rope = rope_of([](gguf_context * file) {
        set_scaling(file, "linear", 4);
        gguf_set_val_f32(file, "llama.rope.freq_base", 50000);
        gguf_set_val_u32(file, "llama.rope.dimension_count", 8);
    });
    EXPECT_EQ(rope.scaling, Scaling::Linear);
    EXPECT_FLOAT_EQ(rope.freq_scale, 0.25F);
    EXPECT_FLOAT_EQ(rope.freq_base, 50000);
    EXPECT_EQ(rope.dimensions, 8U);
    EXPECT_FLOAT_EQ(rope.extrapolation, 0);
    EXPECT_FLOAT_EQ(rope.attention_factor, 1);
    EXPECT_EQ(rope.original_context, 1000U);
}

TEST(Rope, HasDefaults) {
    const model::Rope rope = rope_of([](gguf_context * file) {
        gguf_remove_key(file, "llama.rope.freq_base");
        gguf_remove_key(file, "llama.rope.dimension_count");
    });
    EXPECT_FLOAT_EQ(rope.freq_base, 10000);
    EXPECT_FLOAT_EQ(rope.freq_scale, 1);
    EXPECT_EQ(rope.dimensions, 16U);
}

TEST(Rope, TakesTheOlderKeyOfLinearScaling) {
    EXPECT_FLOAT_EQ(
        rope_of([](gguf_context * file) { gguf_set_val_f32(file, "llama.rope.scale_linear", 8); }).freq_scale, 0.125F);
}

TEST(Rope, WithoutScalingIgnoresTheFactor) {
    EXPECT_FLOAT_EQ(rope_of([](gguf_context * file) { set_scaling(file, "none", 4); }).freq_scale, 1);
}

TEST(Rope, OfYarnHasItsTemperature) {
    const model::Rope rope = rope_of([](gguf_context * file) {
        set_scaling(file, "yarn", 4);
        gguf_set_val_u32(file, "llama.rope.scaling.original_context_length", 250);
    });
    EXPECT_EQ(rope.scaling, Scaling::Yarn);
    EXPECT_FLOAT_EQ(rope.extrapolation, 1);
    EXPECT_EQ(rope.original_context, 250U);
    // ggml multiplies by 1 + 0.1 ln(factor) itself, which is what YaRN wants.
    EXPECT_FLOAT_EQ(rope.attention_factor * (1 + 0.1F * std::log(4.0F)), 1 + 0.1F * std::log(4.0F));
}

TEST(Rope, OptionsOverrideTheFile) {
    const auto file_keys = [](gguf_context * file) { set_scaling(file, "linear", 4); };
    RopeOptions options;
    options.scale = 2;
    options.freq_base = 777;
    const model::Rope linear = rope_of(file_keys, options);
    EXPECT_FLOAT_EQ(linear.freq_scale, 0.5F);
    EXPECT_FLOAT_EQ(linear.freq_base, 777);
    options.scaling = Scaling::Yarn;
    options.yarn_orig_ctx = 123;
    const model::Rope yarn = rope_of(file_keys, options);
    EXPECT_FLOAT_EQ(yarn.extrapolation, 1);
    EXPECT_EQ(yarn.original_context, 123U);
    RopeOptions none;
    none.scaling = Scaling::None;
    EXPECT_FLOAT_EQ(rope_of(file_keys, none).freq_scale, 1);
}

RopeOptions options_of(std::optional<Scaling> scaling, std::optional<float> scale = {},
                       std::optional<std::uint32_t> yarn_orig_ctx = {}) {
    RopeOptions options;
    options.scaling = scaling;
    options.scale = scale;
    options.yarn_orig_ctx = yarn_orig_ctx;
    return options;
}

TEST(Rope, OptionsWithoutEffectAreRefused) {
    const auto scaled = [](const char * type, float factor) {
        return [type, factor](gguf_context * file) { set_scaling(file, type, factor); };
    };
    const auto refusal = [](const std::function<void(gguf_context *)> & keys, const RopeOptions & options) {
        const test::TinyModelFile file(with_rope_keys(keys));
        return test::error_of(ErrorKind::Usage, [&] { test::load(file, options); });
    };
    EXPECT_THAT(refusal({}, options_of(Scaling::None, 4)), HasSubstr("rope.scale 4 has no effect"));
    EXPECT_THAT(refusal(scaled("none", 4), options_of({}, 4)), HasSubstr("rope.scale 4 has no effect"));
    for (const std::optional<Scaling> scaling : {std::optional<Scaling>(), {Scaling::None}, {Scaling::Linear}}) {
        EXPECT_THAT(refusal(scaled("linear", 4), options_of(scaling, {}, 500)),
                    HasSubstr("rope.yarn_orig_ctx 500 has no effect"));
    }
    for (const Scaling scaling : {Scaling::Linear, Scaling::Yarn}) {
        EXPECT_THAT(refusal({}, options_of(scaling)), HasSubstr("has no effect: the file has no scaling factor"));
    }
    // These have one.
    EXPECT_FLOAT_EQ(rope_of({}, options_of({}, 4)).freq_scale, 0.25F);
    EXPECT_EQ(rope_of(scaled("yarn", 4), options_of({}, {}, 500)).original_context, 500U);
    EXPECT_EQ(rope_of(scaled("linear", 4), options_of(Scaling::Yarn)).scaling, Scaling::Yarn);
}

TEST(Rope, OfYarnByHandSetsHowFarTheModelReaches) {
    RopeOptions options;
    options.scaling = Scaling::Yarn;
    options.scale = 4;
    EXPECT_EQ(test::load(test::TinyModelFile(with_rope_keys({})), options).trained_context, 4000U);
}

TEST(Rope, OptionsOutOfRangeAreNamed) {
    const test::TinyModelFile file(with_rope_keys({}));
    const auto refusal = [&](const std::function<void(RopeOptions &)> & change) {
        RopeOptions options;
        change(options);
        return test::error_of(ErrorKind::Usage, [&] { test::load(file, options); });
    };
    for (const float value :
         {0.0F, -1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        EXPECT_THAT(refusal([&](RopeOptions & options) { options.scale = value; }), HasSubstr("rope.scale"));
        EXPECT_THAT(refusal([&](RopeOptions & options) { options.freq_base = value; }), HasSubstr("rope.freq_base"));
    }
    EXPECT_THAT(refusal([](RopeOptions & options) { options.yarn_orig_ctx = 0; }), HasSubstr("rope.yarn_orig_ctx"));
}

TEST(Rope, OfOtherScalingsIsRefusedByName) {
    for (const char * name : {"dynamic", ""}) {
        EXPECT_THAT(test::load_refusal(with_rope_keys([&](gguf_context * file) { set_scaling(file, name, 4); })),
                    AllOf(HasSubstr("llama.rope.scaling.type"), HasSubstr(fmt::format("'{}'", name)),
                          HasSubstr("none, linear, yarn and longrope")));
    }
}

TEST(Rope, FactorsOfLongropeComeInPairs) {
    const char * names[] = {"rope_factors_long.weight", "rope_factors_short.weight"};
    for (const int there : {0, 1}) {
        TinyModel model(test::TinyShape{.layers = 1});
        model.tensors[names[there]] = {{8}, GGML_TYPE_F32, std::vector<float>(8, 1.0F)};
        EXPECT_THAT(test::load_refusal(model), AllOf(HasSubstr(names[1 - there]), HasSubstr("missing")));
    }
}

TEST(Rope, NumbersThatMakeNoSenseAreNamed) {
    for (const float value : {-1.0F, std::numeric_limits<float>::quiet_NaN()}) {
        EXPECT_THAT(
            test::load_refusal(with_rope_keys([&](gguf_context * file) { set_scaling(file, "linear", value); })),
            HasSubstr("llama.rope.scaling.factor"));
        EXPECT_THAT(test::load_refusal(with_rope_keys(
                        [&](gguf_context * file) { gguf_set_val_f32(file, "llama.rope.freq_base", value); })),
                    HasSubstr("llama.rope.freq_base"));
    }
    for (const std::uint32_t value : {0U, 7U, 18U}) {
        EXPECT_THAT(test::load_refusal(with_rope_keys(
                        [&](gguf_context * file) { gguf_set_val_u32(file, "llama.rope.dimension_count", value); })),
                    AllOf(HasSubstr("llama.rope.dimension_count"), HasSubstr(std::to_string(value))));
    }
}

}  // namespace
}  // namespace snapkv
