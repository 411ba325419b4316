#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_gpt_oss(const KeyReader & keys, HyperParameters & params) {
    read_sliding_layers(keys, params, keys.number(kSlidingWindow, kMostContext), 2);
    read_sliding_rope(keys, params);
    read_sized_experts(keys, params);
    params.experts.gating = Experts::Gating::SoftmaxOfChosen;
    params.experts.form = Experts::Form::GptOss;
}

}  // namespace

const Family kGptOss{.name = "gpt-oss",
                     .rope = RopeLayout::Halves,
                     .network_norm = "post_attention_norm",
                     .sinks = true,
                     .read = read_gpt_oss};

}  // namespace snapkv::model
