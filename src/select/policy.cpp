#include "select/policy.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "select/allocation.h"

namespace snapkv::select {

LayerChoice::LayerChoice(const Plan & plan, std::span<const float> votes, std::uint32_t kv_heads,
                         std::span<const Mark> marks)
    : plan_(plan),
      votes_(votes),
      marks_(marks.first(marks.empty() ? 0 : plan.prefix())),
      scores_(kv_heads),
      voted_(kv_heads) {
    assert(plan.compress && plan.recent < plan.n);
    assert(plan.budget < plan.n + (plan.mass > 0 ? 1 : 0) &&
           plan.sink + (plan.votes() ? 1 : 0) <= plan.budget - plan.recent);
    assert(votes.size() % (std::size_t{kv_heads} * plan.prefix()) == 0 && votes.empty() != plan.votes());
    if (plan.evidence == Evidence::Pivotal) {
        votes_ = votes.first(votes.size() / 2);
        ties_ = votes.last(votes.size() / 2);
    }
}

std::span<const float> LayerChoice::votes_of(std::span<const float> votes, std::uint32_t head) const {
    const std::size_t of_head = votes.size() / scores_.size();
    return plan_.group == GroupReduce::Layer ? votes : votes.subspan(head * of_head, of_head);
}

/// What a head's votes, or those of the layer, come to for each prefix row.
std::vector<float> LayerChoice::scored(std::span<const float> votes, std::uint32_t head) const {
    std::vector<float> reduced(plan_.prefix());
    std::vector<float> scores(plan_.prefix());
    reduce_group(votes_of(votes, head), plan_.prefix(), plan_.group, reduced);
    cluster(plan_.cluster, reduced, marks_, scores);
    return scores;
}

void LayerChoice::score(std::uint32_t head) {
    if (plan_.votes() && scored_at(head) == head) {
        scores_[head].scores = scored(votes_, head);
        scores_[head].ties = ties_.empty() ? std::vector<float>() : scored(ties_, head);
        voted_[head] = plan_.mass > 0 ? rows_of_mass(head) : 0;
    }
}

/// The fewest of the best rows without which no more is lost than may be: the worst are let go of as long as what they
/// hold together, as the mean of their votes has it, is little enough. What sinks and recent rows hold stays.
std::uint32_t LayerChoice::rows_of_mass(std::uint32_t head) const {
    std::vector<float> mass(plan_.prefix());
    reduce_group(votes_of(votes_, head), plan_.prefix(), GroupReduce::Mean, mass);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> rows;  // best first
    for (std::uint32_t row = plan_.sink; row < plan_.prefix(); ++row) {
        rows.emplace_back(rank_of(scores_[head], row), row);
    }
    std::sort(rows.begin(), rows.end());
    const std::uint32_t anyway = plan_.recent + plan_.sink;
    auto kept = static_cast<std::uint32_t>(rows.size());
    for (double lost = 0; kept > plan_.least - anyway; --kept) {
        lost += static_cast<double>(mass[rows[kept - 1].second]);
        if (!(lost <= 1 - plan_.mass)) {
            break;
        }
    }
    return std::min(kept, plan_.budget - anyway);
}

void LayerChoice::allocate(std::uint32_t budget) {
    if (plan_.mass > 0) {
        for (std::uint32_t head = 0; head < voted_.size(); ++head) {
            voted_[head] = voted_[scored_at(head)];
        }
        return;
    }
    assert(budget <= plan_.n && plan_.recent + plan_.sink <= budget);
    voted_ = allocate_rows(plan_.allocation, scores_, plan_.sink, budget - plan_.recent - plan_.sink);
}

std::vector<Position> LayerChoice::keep(std::uint32_t head) const {
    return with_rows_kept_anyway(plan_, plan_.votes()
                                            ? top_positions(scores_[scored_at(head)], plan_.sink, voted_[head])
                                            : positions_from(Position{plan_.prefix() - voted_[head]}, voted_[head]));
}

std::vector<Position> with_rows_kept_anyway(const Plan & plan, std::span<const Position> voted) {
    std::vector<Position> kept = positions_from(Position{0}, plan.sink);
    kept.insert(kept.end(), voted.begin(), voted.end());
    const std::vector<Position> recent = positions_from(Position{plan.prefix()}, plan.recent);
    kept.insert(kept.end(), recent.begin(), recent.end());
    return kept;
}

std::vector<Position> keep_positions(const Plan & plan, std::span<const float> votes, std::span<const Mark> marks) {
    LayerChoice choice(plan, votes, 1, marks);
    choice.score(0);
    choice.allocate(plan.budget);
    return choice.keep(0);
}

}  // namespace snapkv::select
