#pragma once

#include <cstdint>

#include "run/prefill_plan.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// How fast this machine runs this model, measured on a small piece of the real work.
struct Speed {
    double layer_seconds = 0;  ///< getting one layer's weights ready
    double row_seconds = 0;    ///< one token's products through one layer
    double pair_seconds = 0;   ///< one query position against one cache row, all heads of one layer
};

/// What the prefill needs, graph buffers included. Throws Error(Machine) with the sum where that is more than can be
/// had.
PrefillBytes check_memory(Session::Impl & session, const PrefillPlan & plan);

}  // namespace snapkv::run
