#pragma once

#include <memory>
#include <span>

#include "kv/segment.h"
#include "model/hyper_parameters.h"
#include "run/prefill_plan.h"
#include "snapkv/sequence.h"

namespace snapkv::run {

/// What becomes of a prompt's cache: by its plan, and by what is left of it.
[[nodiscard]] CacheStats cache_stats(const BranchPlan & plan, const model::HyperParameters & params,
                                     std::span<const std::shared_ptr<const kv::Segment>> segments);

}  // namespace snapkv::run
