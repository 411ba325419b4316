#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_qwen2_moe(const KeyReader & keys, HyperParameters & params) {
    read_experts_beside_gated(keys, params);
    params.experts.sum_to_one = false;
}

}  // namespace

/// Qwen 2 and 2.5: biases of queries, keys and values.
const Family kQwen2{.name = "qwen2", .rope = RopeLayout::Halves};

const Family kQwen2Moe{.name = "qwen2moe", .rope = RopeLayout::Halves, .read = read_qwen2_moe};

}  // namespace snapkv::model
