#include "select/policy.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "select/allocation.h"
#include "select/scores.h"

namespace snapkv::select {

LayerChoice::LayerChoice(const Plan & plan, std::span<const float> votes, std::uint32_t kv_heads,
                         std::span<const Mark> marks)
    : plan_(plan), votes_(votes), marks_(marks.first(marks.empty() ? 0 : plan.prefix())), scores_(kv_heads) {
    assert(plan.compress && plan.recent < plan.n);
    assert(plan.budget < plan.n && plan.sink < plan.budget - plan.recent);
    assert(votes.size() % (std::size_t{kv_heads} * plan.prefix()) == 0);
}

void LayerChoice::score(std::uint32_t head) {
    const std::size_t of_head = votes_.size() / scores_.size();
    std::vector<float> votes_of_group(plan_.prefix());
    scores_[head].resize(plan_.prefix());
    reduce_group(votes_.subspan(head * of_head, of_head), plan_.prefix(), plan_.group, votes_of_group);
    cluster(plan_.cluster, votes_of_group, marks_, scores_[head]);
}

void LayerChoice::allocate() {
    voted_ = allocate_rows(plan_.allocation, scores_, plan_.sink, plan_.budget - plan_.recent - plan_.sink);
}

std::vector<std::uint32_t> LayerChoice::keep(std::uint32_t head) const {
    const std::vector<std::uint32_t> voted = top_positions(scores_[head], plan_.sink, voted_[head]);
    std::vector<std::uint32_t> kept(plan_.sink + voted.size() + plan_.recent);
    const auto after_sinks = kept.begin() + static_cast<std::ptrdiff_t>(plan_.sink);
    std::iota(kept.begin(), after_sinks, 0U);
    const auto recent = std::copy(voted.begin(), voted.end(), after_sinks);
    std::iota(recent, kept.end(), plan_.prefix());
    return kept;
}

std::vector<std::uint32_t> keep_positions(const Plan & plan, std::span<const float> votes,
                                          std::span<const Mark> marks) {
    LayerChoice choice(plan, votes, 1, marks);
    choice.score(0);
    choice.allocate();
    return choice.keep(0);
}

}  // namespace snapkv::select
