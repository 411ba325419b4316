#include "model/hyper_parameters.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/raise.h"
#include "gguf/in_quotes.h"

namespace snapkv::model {

namespace {

constexpr const char * kFeedForward = "feed_forward_length";

const Family & family_of(const gguf::File & file, const std::string & architecture) {
    const Family * family = find_family(architecture);
    if (family == nullptr) {
        std::vector<std::string_view> names;
        for (const Family * each : families()) {
            names.push_back(each->name);
        }
        raise_input("{}: architecture {} is not supported; supported: {}", file.path().string(),
                    gguf::in_quotes(architecture), fmt::join(names, ", "));
    }
    return *family;
}

void read_sizes(const KeyReader & keys, HyperParameters & params) {
    params.layers = keys.number("block_count", kMostLayers);
    params.width = keys.number("embedding_length", kMostElements);
    params.trained_context = keys.number("context_length", kMostContext);
    params.feed_forward = keys.uniform(kFeedForward, 0, kMostElements);  // 0: not given, nor wanted by all
    params.heads = keys.uniform("attention.head_count", std::nullopt, kMostElements);
    params.kv_heads = keys.uniform("attention.head_count_kv", params.heads, kMostElements);
    if (params.heads % params.kv_heads != 0) {
        raise_input("{}: {} is {}, which {} {} does not divide", keys.file().path().string(),
                    keys.name("attention.head_count"), params.heads, keys.name("attention.head_count_kv"),
                    params.kv_heads);
    }
    const std::uint32_t head_size = params.width / params.heads;
    params.key_size = keys.number_or("attention.key_length", head_size, kMostHeadSize);
    params.value_size = keys.number_or("attention.value_length", head_size, kMostHeadSize);
}

/// Those of the embedding, which the tokenizer must have names for.
std::uint32_t vocabulary_size(const gguf::File & file) {
    const gguf::TensorInfo * embedding = file.find_tensor("token_embd.weight");
    if (embedding == nullptr) {
        raise_input("{}: tensor token_embd.weight is missing", file.path().string());
    }
    const auto size = static_cast<std::uint32_t>(std::clamp<std::int64_t>(embedding->ne[1], 0, 1U << 30U));
    const std::size_t tokens = file.array_length("tokenizer.ggml.tokens").value_or(0);
    if (size != tokens) {
        raise_input("{}: tokenizer.ggml.tokens has {} entries, token_embd.weight {} rows", file.path().string(), tokens,
                    size);
    }
    return size;
}

void require_feed_forward(const KeyReader & keys, const HyperParameters & params) {
    if (params.feed_forward == 0) {
        static_cast<void>(keys.uniform(kFeedForward, std::nullopt, kMostElements));  // which says that it is missing
    }
}

void refuse_unread_experts(const KeyReader & keys, const HyperParameters & params) {
    const std::uint32_t count = keys.count("expert_count", kMostExperts);
    if (count > 0 && params.experts.count == 0) {
        raise_input("{}: {} is {}; no mixture of experts of this architecture is supported",
                    keys.file().path().string(), keys.name("expert_count"), count);
    }
}

}  // namespace

attention::AttentionSpec HyperParameters::attention_spec(std::uint32_t layer) const {
    return {.heads = heads,
            .kv_heads = kv_heads,
            .key_size = key_size,
            .value_size = value_size,
            .scale = attention_scale,
            .soft_cap = attention_cap,
            .sliding_window = window_of(layer)};
}

HyperParameters read_hyper_parameters(const gguf::File & file, const RopeOptions & rope) {
    HyperParameters params;
    params.architecture = file.get_string("general.architecture");
    params.family = &family_of(file, params.architecture);
    const KeyReader keys(file, params.architecture);
    read_sizes(keys, params);
    params.norm_epsilon =
        keys.not_negative(params.family->norm == product::Norm::Kind::Rms ? "attention.layer_norm_rms_epsilon"
                                                                          : "attention.layer_norm_epsilon");
    const float scale = keys.not_negative_or_zero("attention.scale");
    params.attention_scale = scale == 0.0F ? 1.0F / std::sqrt(static_cast<float>(params.key_size)) : scale;
    params.rope = read_rope(file, params.architecture, params.key_size, params.trained_context, rope);
    if (rope.scaling == RopeOptions::Scaling::Yarn && rope.scale) {
        // As libllama: YaRN asked for by hand sets how far the model reaches.
        const double reach = static_cast<double>(params.rope.original_context) / params.rope.freq_scale;
        params.trained_context = static_cast<std::uint32_t>(std::min(reach, static_cast<double>(kMostContext)));
    }
    params.sliding_rope = params.rope;
    if (params.family->read != nullptr) {
        params.family->read(keys, params);
    }
    refuse_unread_experts(keys, params);
    if (params.experts.count == 0 || params.experts.first_layer > 0) {
        require_feed_forward(keys, params);
    }
    params.vocabulary = vocabulary_size(file);
    return params;
}

namespace {

/// Experts as read_experts() has them, but for their size.
void read_choice(const KeyReader & keys, HyperParameters & params) {
    Experts & experts = params.experts;
    experts.count = keys.count("expert_count", kMostExperts);
    if (experts.count == 0) {
        return;
    }
    experts.used = keys.number("expert_used_count", experts.count);
    experts.scale = keys.factor("expert_weights_scale");
}

}  // namespace

void read_experts(const KeyReader & keys, HyperParameters & params) {
    read_choice(keys, params);
    if (params.experts.count > 0) {
        require_feed_forward(keys, params);
        params.experts.feed_forward = params.feed_forward;
    }
}

void read_sized_experts(const KeyReader & keys, HyperParameters & params) {
    read_choice(keys, params);
    if (params.experts.count > 0) {
        // As libllama: without a size of their own those that a token goes through share the network's.
        const std::uint32_t share = params.feed_forward / params.experts.used;
        params.experts.feed_forward =
            keys.uniform("expert_feed_forward_length", share > 0 ? std::optional(share) : std::nullopt, kMostElements);
    }
}

void read_experts_beside_gated(const KeyReader & keys, HyperParameters & params) {
    read_sized_experts(keys, params);
    params.experts.shared_feed_forward =
        keys.number_or("expert_shared_feed_forward_length", params.feed_forward, kMostElements);
    params.experts.shared_gate = true;
}

void read_unused_layers(const KeyReader & keys, HyperParameters & params) {
    params.unused_layers = keys.count("nextn_predict_layers", params.layers - 1);
    params.layers -= params.unused_layers;
}

void read_sliding_layers(const KeyReader & keys, HyperParameters & params, std::uint32_t window, std::uint32_t period) {
    params.sliding_window = window;
    if (window > 0) {
        params.slides = keys.pattern("attention.sliding_window_pattern", params.layers, period);
    }
}

void read_sliding_rope(const KeyReader & keys, HyperParameters & params) {
    const Rope own = read_rope(keys.file(), keys.architecture(), params.key_size, params.trained_context, {});
    params.sliding_rope.freq_base = keys.positive_or("rope.freq_base_swa", own.freq_base);
    params.sliding_rope.freq_scale = own.freq_scale;
}

}  // namespace snapkv::model
