#include "select/policy.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "select/scores.h"

namespace snapkv::select {

std::vector<std::uint32_t> keep_positions(const Plan & plan, std::span<const float> votes,
                                          std::span<const Mark> marks) {
    assert(plan.compress && plan.recent < plan.n);
    assert(plan.budget < plan.n && plan.sink < plan.budget - plan.recent);
    const std::uint32_t prefix = plan.prefix();
    std::vector<float> votes_of_group(prefix);
    std::vector<float> scores(prefix);
    reduce_group(votes, prefix, plan.group, votes_of_group);
    cluster(plan.cluster, votes_of_group, marks.first(marks.empty() ? 0 : prefix), scores);
    const std::vector<std::uint32_t> voted = top_positions(scores, plan.sink, plan.budget - plan.recent - plan.sink);

    std::vector<std::uint32_t> kept(plan.budget);
    const auto after_sinks = kept.begin() + static_cast<std::ptrdiff_t>(plan.sink);
    std::iota(kept.begin(), after_sinks, 0U);
    const auto recent = std::copy(voted.begin(), voted.end(), after_sinks);
    std::iota(recent, kept.end(), prefix);
    return kept;
}

}  // namespace snapkv::select
