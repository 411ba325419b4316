#include "support/family_shapes.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace snapkv::test {
namespace {

using HeadNorms = FamilyShape::HeadNorms;

FamilyShape gemma2() {
    return {.architecture = "gemma2",
            .numbers = {{"attention.sliding_window", kSlidingWindow}},
            .post_norms = true,
            .tied = true};
}

FamilyShape gemma3() {
    FamilyShape shape = gemma2();
    shape.architecture = "gemma3";
    shape.layers = 7;
    shape.reals = {{"rope.freq_base", 1e6F}, {"rope.scaling.factor", 8.0F}};
    shape.head_norms = HeadNorms::Shared;
    return shape;
}

FamilyShape command_r() {
    return {.architecture = "command-r",
            .reals = {{"logit_scale", 0.0625F}},
            .layer_norm = true,
            .network_norm = "",
            .tied = true};
}

FamilyShape cohere2() {
    FamilyShape shape = command_r();
    shape.architecture = "cohere2";
    shape.layers = 5;
    shape.numbers = {{"attention.sliding_window", kSlidingWindow}};
    return shape;
}

FamilyShape phi3() {
    return {.architecture = "phi3",
            .numbers = {{"rope.scaling.original_context_length", 256}},
            .fused_qkv = true,
            .fused_gate = true};
}

FamilyShape granite() {
    return {.architecture = "granite",
            .reals = {{"logit_scale", 8.0F},
                      {"residual_scale", 0.22F},
                      {"embedding_scale", 12.0F},
                      {"attention.scale", 0.0156F}},
            .tied = true};
}

FamilyShape granite_moe() {
    FamilyShape shape = granite();
    shape.architecture = "granitemoe";
    shape.experts = 8;
    shape.experts_used = 2;
    shape.expert_feed_forward = shape.feed_forward;
    shape.shared_feed_forward = 96;
    shape.numbers = {{"expert_shared_feed_forward_length", 96}};
    return shape;
}

FamilyShape qwen2moe() {
    FamilyShape shape{.architecture = "qwen2moe", .biases = true, .experts = 16, .experts_used = 4};
    shape.shared_feed_forward = 96;
    shape.shared_gate = true;
    shape.numbers = {{"expert_shared_feed_forward_length", 96}};
    return shape;
}

FamilyShape gpt_oss() {
    return {.architecture = "gpt-oss",
            .numbers = {{"attention.sliding_window", kSlidingWindow}},
            .biases = true,
            .output_bias = true,
            .network_norm = "post_attention_norm",
            .experts = 8,
            .experts_used = 4,
            .expert_biases = true,
            .sinks = true};
}

FamilyShape deepseek2() {
    FamilyShape shape{.architecture = "deepseek2",
                      .kv_heads = 1,
                      .head_size = 64 + 32,
                      .feed_forward = 96,
                      .numbers = {{"expert_shared_count", 2}},
                      .experts = 8,
                      .experts_used = 3,
                      .dense_layers = 1};
    shape.shared_feed_forward = 2 * shape.expert_feed_forward;
    shape.latent =
        FamilyShape::Latent{.rank = 64, .query_rank = 64, .plain = 32, .rotated = 32, .values = 32, .absorbed = true};
    shape.value_size = 64;
    return shape;
}

FamilyShape qwen35() {
    FamilyShape shape{.architecture = "qwen35",
                      .head_size = 64,
                      .layers = 8,
                      .numbers = {{"rope.dimension_count", 32}},
                      .head_norms = HeadNorms::Shared,
                      .network_norm = "post_attention_norm"};
    shape.gated_attention = true;
    shape.rope_sections = {6, 5, 5, 0};
    shape.recurrence = FamilyShape::Recurrence{};
    return shape;
}

FamilyShape qwen35moe() {
    FamilyShape shape = qwen35();
    shape.architecture = "qwen35moe";
    shape.only_experts = true;
    shape.experts = 8;
    shape.experts_used = 3;
    shape.shared_feed_forward = 96;
    shape.shared_gate = true;
    shape.numbers.emplace_back("expert_shared_feed_forward_length", 96U);
    return shape;
}

FamilyShape qwen3next() {
    FamilyShape shape = qwen35moe();
    shape.architecture = "qwen3next";
    shape.only_experts = false;
    shape.rope_sections.reset();
    shape.recurrence->joined_rates = true;
    return shape;
}

/// Sizes that fit those of the least shape.
void shrink(FamilyShape & shape) {
    if (shape.shared_feed_forward > 0) {
        shape.shared_feed_forward = 4;
        shape.numbers = {{"expert_shared_feed_forward_length", 4}};
    }
    if (shape.latent) {
        shape.kv_heads = 1;
        shape.latent =
            FamilyShape::Latent{.rank = 4, .query_rank = 4, .plain = 2, .rotated = 2, .values = 4, .absorbed = true};
        shape.head_size = 6;
        shape.value_size = 4;
        shape.dense_layers = 0;
        shape.shared_feed_forward = 2 * shape.expert_feed_forward;
        shape.numbers = {{"expert_shared_count", 2}};
    }
    if (shape.recurrence) {
        shape.layers = 2;  // one of each kind
        shape.recurrence = FamilyShape::Recurrence{.interval = 2,
                                                   .kernel = 2,
                                                   .size = 2,
                                                   .key_heads = 1,
                                                   .value_heads = 2,
                                                   .joined_rates = shape.recurrence->joined_rates};
        std::erase_if(shape.numbers, [](const auto & number) { return number.first == "rope.dimension_count"; });
        shape.numbers.emplace_back("rope.dimension_count", 4U);
        if (shape.rope_sections) {
            shape.rope_sections = {1, 1, 0, 0};
        }
    }
}

}  // namespace

FamilyShape family_shape(std::string_view architecture) {
    const std::array shapes{
        FamilyShape{.architecture = "llama"},
        FamilyShape{.architecture = "qwen2", .biases = true, .tied = true},
        FamilyShape{.architecture = "qwen3", .head_size = 64, .head_norms = HeadNorms::Shared},
        FamilyShape{.architecture = "qwen3moe", .head_norms = HeadNorms::Shared, .experts = 16, .experts_used = 4},
        gemma2(),
        gemma3(),
        command_r(),
        cohere2(),
        phi3(),
        FamilyShape{.architecture = "smollm3", .layers = 5, .tied = true},
        qwen2moe(),
        granite(),
        granite_moe(),
        gpt_oss(),
        deepseek2(),
        qwen3next(),
        qwen35(),
        qwen35moe(),
    };
    const auto * const found = std::ranges::find(shapes, architecture, &FamilyShape::architecture);
    if (found == shapes.end()) {
        throw std::runtime_error("no shape of the family " + std::string(architecture));
    }
    return *found;
}

FamilyShape least_family_shape(std::string_view architecture) {
    FamilyShape shape = family_shape(architecture);
    shape.width = 8;
    shape.heads = 2;
    shape.kv_heads = 1;
    shape.head_size = 4;
    shape.layers = 1;
    shape.feed_forward = 8;
    shape.vocabulary = 8;
    if (shape.experts > 0) {
        shape.experts = 4;
        shape.experts_used = 2;
        shape.expert_feed_forward = shape.architecture == "granitemoe" ? shape.feed_forward : 4;
    }
    shrink(shape);
    return shape;
}

}  // namespace snapkv::test
