#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read(const KeyReader & keys, HyperParameters & params) {
    const float scale = keys.not_negative_or_zero("logit_scale");
    params.logit_factor = scale == 0 ? 1.0F : scale;  // as libllama: 0 means none
}

}  // namespace

const Family kCommandR{.name = "command-r",
                       .norm = product::Norm::Kind::Layer,
                       .parallel = true,
                       .head_norms = Family::HeadNorms::WhereGiven,
                       .own_output = false,
                       .read = read};

}  // namespace snapkv::model
