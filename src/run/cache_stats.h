#pragma once

#include "model/hyper_parameters.h"
#include "run/prefill_plan.h"
#include "snapkv/sequence.h"

namespace snapkv::run {

/// What becomes of a prompt's cache by its plan.
[[nodiscard]] CacheStats cache_stats(const BranchPlan & plan, const model::HyperParameters & params);

}  // namespace snapkv::run
