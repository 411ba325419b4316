#include "model/arch/arch.h"

namespace snapkv::model {

/// Qwen 2 and 2.5: biases of queries, keys and values.
const Family kQwen2{.name = "qwen2", .rope = RopeLayout::Halves};

}  // namespace snapkv::model
