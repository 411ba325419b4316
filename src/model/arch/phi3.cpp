#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_phi3(const KeyReader & keys, HyperParameters & params) {
    read_sliding_layers(keys, params, keys.count(kSlidingWindow, kMostContext), 0);
}

}  // namespace

const Family kPhi3{.name = "phi3", .rope = RopeLayout::Halves, .fused_gate = true, .read = read_phi3};

}  // namespace snapkv::model
