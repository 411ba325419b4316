#include "run/state_spans.h"

#include <algorithm>
#include <utility>

namespace snapkv::run {

namespace {

/// Sequences at most that have rows in one chunk: branches with a suffix, or the trunk.
std::size_t most_spans(const PrefillPlan & plan, std::uint32_t batch) {
    const auto suffixes = std::count_if(plan.branches.begin(), plan.branches.end(),
                                        [](const BranchPlan & branch) { return branch.suffix > 0; });
    return std::clamp<std::size_t>(static_cast<std::size_t>(suffixes), 1, std::max(batch, 1U));
}

}  // namespace

StateSpans::StateSpans(const model::HyperParameters & params, const PrefillPlan & plan, std::uint32_t batch,
                       std::shared_ptr<Meter> work)
    : floats_(params.recurrence.state_floats()),
      trunk_(floats_ * sizeof(float), work),
      results_(most_spans(plan, batch) * floats_ * sizeof(float), std::move(work)) {}

void StateSpans::begin_layer(const Block * held) {
    spans_.clear();
    if (held != nullptr) {
        std::copy_n(held->floats(), floats_, trunk_.floats());
    } else {
        std::fill_n(trunk_.floats(), floats_, 0.0F);
    }
}

void StateSpans::begin_branch(BranchCache & branch, std::uint32_t layer) const {
    std::copy_n(trunk_.floats(), floats_, branch.state().of(layer));
}

void StateSpans::add(BranchCache * branch, std::uint32_t layer, std::uint32_t row, std::uint32_t count) {
    spans_.push_back({.row = row,
                      .count = count,
                      .before = branch == nullptr ? trunk_.floats() : branch->state().of(layer),
                      .after = results_.floats() + spans_.size() * floats_});
}

void StateSpans::finish_chunk() {
    for (const model::StateSpan & span : spans_) {
        std::copy_n(span.after, floats_, span.before);
    }
    spans_.clear();
}

}  // namespace snapkv::run
