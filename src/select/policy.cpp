#include "select/policy.h"

#include <cassert>

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

std::vector<Position> LayerChoice::keep(std::uint32_t head) const {
    std::vector<Position> kept = positions_from(Position{0}, plan_.sink);
    const std::vector<Position> voted = top_positions(scores_[head], plan_.sink, voted_[head]);
    kept.insert(kept.end(), voted.begin(), voted.end());
    const std::vector<Position> recent = positions_from(Position{plan_.prefix()}, plan_.recent);
    kept.insert(kept.end(), recent.begin(), recent.end());
    return kept;
}

std::vector<Position> keep_positions(const Plan & plan, std::span<const float> votes, std::span<const Mark> marks) {
    LayerChoice choice(plan, votes, 1, marks);
    choice.score(0);
    choice.allocate();
    return choice.keep(0);
}

}  // namespace snapkv::select
