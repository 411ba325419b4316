#include <cmath>

#include "base/raise.h"
#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

/// As libllama: YaRN's temperature is the logits' alone, by the file's multiplier, squared; ggml's own factor of
/// rotated elements is divided out.
void read_scale(const KeyReader & keys, HyperParameters & params) {
    Rope & rope = params.rope;
    const float log_factor = std::log(1.0F / rope.freq_scale);
    const float multiplier = keys.not_negative_or_zero("rope.scaling.yarn_log_multiplier") / 0.1F;
    if (rope.extrapolation != 0 && multiplier != 0) {
        rope.attention_factor = keys.positive_or("rope.scaling.attn_factor", 1) / (1.0F + 0.1F * log_factor);
    }
    const float own = rope.attention_factor * (1.0F + 0.1F * log_factor);
    const float scale = own * (1.0F + 0.1F * multiplier * log_factor);
    params.attention_scale = scale * scale / std::sqrt(static_cast<float>(params.latent.key_size));
    params.sliding_rope = rope;
}

/// Files made since 2025 have the expanding matrix cut in two, for the cache of rows, and name the sizes that heads
/// would have; older ones have the sizes of heads alone.
void read_latent(const KeyReader & keys, HyperParameters & params) {
    Latent & latent = params.latent;
    latent.rank = keys.number("attention.kv_lora_rank", kMostHeadSize);
    latent.query_rank = keys.count("attention.q_lora_rank", kMostElements);
    const std::uint32_t key_size = keys.count("attention.key_length_mla", kMostHeadSize);
    latent.absorbed = key_size > 0;
    latent.key_size = latent.absorbed ? key_size : params.key_size;
    latent.value_size = latent.absorbed ? keys.number("attention.value_length_mla", kMostHeadSize) : params.value_size;
    const auto expect = [&](const char * key, std::uint32_t found, std::uint32_t expected) {
        if (found != expected) {
            raise_input("{}: {} is {}, expected {}", keys.file().path().string(), keys.name(key), found, expected);
        }
    };
    if (latent.key_size <= params.rope.dimensions) {
        raise_input("{}: {} is {}, expected more than {} {}", keys.file().path().string(),
                    keys.name(latent.absorbed ? "attention.key_length_mla" : "attention.key_length"), latent.key_size,
                    keys.name("rope.dimension_count"), params.rope.dimensions);
    }
    if (latent.absorbed) {
        expect("attention.head_count_kv", params.kv_heads, 1);
        expect("attention.key_length", params.key_size, latent.rank + params.rope.dimensions);
        expect("attention.value_length", params.value_size, latent.rank);
    } else {
        expect("attention.head_count_kv", params.kv_heads, params.heads);
    }
}

/// GLM 4.7 Lite, whose first files do not say how experts are chosen; libllama tells it by these numbers.
bool is_glm_lite(const KeyReader & keys, const HyperParameters & params) {
    constexpr std::size_t kVocabulary = 154880;
    return (params.layers == 47 || params.layers == 48) &&
           keys.file().array_length("tokenizer.ggml.tokens").value_or(0) == kVocabulary;
}

void read_networks(const KeyReader & keys, HyperParameters & params) {
    Experts & experts = params.experts;
    read_sized_experts(keys, params);
    if (experts.count == 0) {
        return;
    }
    experts.first_layer = keys.count("leading_dense_block_count", params.layers);
    experts.shared_feed_forward =
        keys.count("expert_shared_count", kMostElements / experts.feed_forward) * experts.feed_forward;
    experts.sum_to_one = keys.file().find_bool(keys.name("expert_weights_norm")).value_or(false);
    constexpr std::uint32_t kSoftmax = 1;
    constexpr std::uint32_t kSigmoid = 2;
    const std::uint32_t gating =
        keys.number_or("expert_gating_func", is_glm_lite(keys, params) ? kSigmoid : kSoftmax, kSigmoid);
    experts.gating = gating == kSoftmax ? Experts::Gating::ChosenOfSoftmax : Experts::Gating::ChosenOfSigmoid;
    if (const std::uint32_t groups = keys.count("expert_group_count", kMostExperts); groups > 1) {
        raise_input("{}: {} is {}; groups of experts are not supported", keys.file().path().string(),
                    keys.name("expert_group_count"), groups);
    }
}

void read_deepseek2(const KeyReader & keys, HyperParameters & params) {
    read_unused_layers(keys, params);
    if (keys.not_negative_or_zero("attention.temperature_scale") != 0) {
        raise_input("{}: {} is not supported", keys.file().path().string(), keys.name("attention.temperature_scale"));
    }
    read_latent(keys, params);
    read_scale(keys, params);
    read_networks(keys, params);
}

}  // namespace

/// DeepSeek-V2-Lite and others that are built so.
const Family kDeepSeek2{.name = "deepseek2", .read = read_deepseek2};

}  // namespace snapkv::model
