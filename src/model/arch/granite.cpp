#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_granite(const KeyReader & keys, HyperParameters & params) {
    params.logit_factor = 1.0F / keys.positive("logit_scale");
    params.residual_factor = keys.factor("residual_scale");
    params.embedding_factor = keys.factor("embedding_scale");
    // Granite 4 has models that know no positions.
    if (!keys.file().find_bool(keys.name("rope.scaling.finetuned")).value_or(true)) {
        params.rotates.assign(params.layers, false);
    }
    read_experts(keys, params);
}

void read_granite_moe(const KeyReader & keys, HyperParameters & params) {
    read_granite(keys, params);
    params.experts.shared_feed_forward = keys.count("expert_shared_feed_forward_length", kMostElements);
}

}  // namespace

const Family kGranite{.name = "granite", .read = read_granite};

const Family kGraniteMoe{.name = "granitemoe", .read = read_granite_moe};

}  // namespace snapkv::model
