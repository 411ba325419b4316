#pragma once

#include "kv/shape.h"
#include "run/prefill_plan.h"
#include "snapkv/sequence.h"

namespace snapkv::run {

/// What becomes of a prompt's cache by its plan, over `layers` layers of `shape`.
[[nodiscard]] CacheStats cache_stats(const BranchPlan & plan, const kv::LayerShape & shape, std::uint32_t layers);

}  // namespace snapkv::run
