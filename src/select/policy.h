#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "select/plan.h"

namespace snapkv::select {

/// The positions one KV head keeps, ascending: the sinks, the best of the prefix, the whole window. `votes` holds
/// group x plan.prefix() floats: for each query head of the group its window's mean attention to each prefix column.
/// Pooling covers the whole prefix, the sinks are then taken out of the competition. Exactly plan.budget positions.
std::vector<std::uint32_t> keep_positions(const Plan & plan, std::span<const float> votes);

}  // namespace snapkv::select
