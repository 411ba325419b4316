#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_command_r(const KeyReader & keys, HyperParameters & params) {
    params.logit_factor = keys.factor("logit_scale");
}

}  // namespace

const Family kCommandR{.name = "command-r",
                       .norm = product::Norm::Kind::Layer,
                       .parallel = true,
                       .head_norms = Family::HeadNorms::WhereGiven,
                       .own_output = false,
                       .read = read_command_r};

}  // namespace snapkv::model
