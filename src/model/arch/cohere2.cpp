#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read(const KeyReader & keys, HyperParameters & params) {
    params.logit_factor = keys.positive("logit_scale");
    params.sliding_window = keys.number("attention.sliding_window", kMostContext);
    params.slides = keys.pattern("attention.sliding_window_pattern", params.layers, 4);
    params.rotates = params.slides;  // layers that see everything know no positions
}

}  // namespace

const Family kCohere2{
    .name = "cohere2", .norm = product::Norm::Kind::Layer, .parallel = true, .own_output = false, .read = read};

}  // namespace snapkv::model
