#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

const Family kQwen3{.name = "qwen3", .rope = RopeLayout::Halves, .head_norms = Family::HeadNorms::Required};

const Family kQwen3Moe{.name = "qwen3moe",
                       .rope = RopeLayout::Halves,
                       .head_norms = Family::HeadNorms::Required,
                       .read = read_sized_experts};

}  // namespace snapkv::model
