#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "select/cluster.h"
#include "select/plan.h"

namespace snapkv::select {

/// The positions one KV head keeps, ascending: the sinks, the best of the prefix, the recent rows. `votes` holds
/// group x plan.prefix() floats: each query head's evidence for each prefix row. `marks` says what the text is at each
/// of the prompt's positions; it may be empty unless plan.cluster reads it. Votes spread over the whole prefix, the
/// sinks are then taken out of the competition. Exactly plan.budget positions.
std::vector<std::uint32_t> keep_positions(const Plan & plan, std::span<const float> votes,
                                          std::span<const Mark> marks = {});

}  // namespace snapkv::select
