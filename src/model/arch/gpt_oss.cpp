#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read(const KeyReader & keys, HyperParameters & params) {
    read_sliding_layers(keys, params, keys.number(kSlidingWindow, kMostContext), 2);
    params.sliding_rope.freq_base = keys.positive_or("rope.freq_base_swa", params.rope.freq_base);
    read_sized_experts(keys, params);
    params.experts.gating = Experts::Gating::SoftmaxOfChosen;
    params.experts.form = Experts::Form::GptOss;
}

}  // namespace

const Family kGptOss{
    .name = "gpt-oss", .rope = RopeLayout::Halves, .network_norm = "post_attention_norm", .sinks = true, .read = read};

}  // namespace snapkv::model
