#include <cmath>

#include "base/raise.h"
#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

/// The largest models scale by the width over the heads instead of the head's size; nothing in the file says so.
void read_gemma(const KeyReader & keys, HyperParameters & params, std::uint32_t layers_of_largest) {
    params.embedding_factor = std::sqrt(static_cast<float>(params.width));
    const std::uint32_t size = params.layers == layers_of_largest ? params.width / params.heads : params.key_size;
    if (size == 0) {
        raise_input("{}: {} is {}, more than the width of {}", keys.file().path().string(),
                    keys.name("attention.head_count"), params.heads, params.width);
    }
    params.attention_scale = 1.0F / std::sqrt(static_cast<float>(size));
}

void read_2(const KeyReader & keys, HyperParameters & params) {
    read_gemma(keys, params, 46);
    read_sliding_layers(keys, params, keys.number_or(kSlidingWindow, 4096, kMostContext), 2);
    read_sliding_rope(keys, params);
    params.attention_cap = keys.positive_or("attn_logit_softcapping", 50);
    params.logit_cap = keys.positive_or("final_logit_softcapping", 30);
}

void read_3(const KeyReader & keys, HyperParameters & params) {
    read_gemma(keys, params, 62);
    read_sliding_layers(keys, params, keys.count(kSlidingWindow, kMostContext), 6);
    params.sliding_rope.freq_base = keys.positive_or("rope.freq_base_swa", 10000);
    params.sliding_rope.freq_scale = 1;
    params.logit_cap = keys.not_negative_or_zero("final_logit_softcapping");
}

}  // namespace

const Family kGemma2{.name = "gemma2",
                     .rope = RopeLayout::Halves,
                     .activation = product::Activation::Gelu,
                     .post_norms = true,
                     .own_output = false,
                     .read = read_2};

const Family kGemma3{.name = "gemma3",
                     .rope = RopeLayout::Halves,
                     .activation = product::Activation::Gelu,
                     .post_norms = true,
                     .head_norms = Family::HeadNorms::Required,
                     .read = read_3};

}  // namespace snapkv::model
