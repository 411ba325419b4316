#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_cohere2(const KeyReader & keys, HyperParameters & params) {
    params.logit_factor = keys.positive("logit_scale");
    read_sliding_layers(keys, params, keys.number(kSlidingWindow, kMostContext), 4);
    params.rotates = params.slides;  // layers that see everything know no positions
}

}  // namespace

const Family kCohere2{
    .name = "cohere2", .norm = product::Norm::Kind::Layer, .parallel = true, .own_output = false, .read = read_cohere2};

}  // namespace snapkv::model
