#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/block.h"
#include "model/hyper_parameters.h"
#include "model/state_tensors.h"
#include "run/branch_cache.h"
#include "run/prefill_plan.h"

namespace snapkv::run {

/// The states of one recurrent layer at a time during a prefill: the trunk's, which goes from chunk to chunk and is
/// where every branch begins, and those that the rows of a chunk lead to. Not thread-safe.
class StateSpans {
public:
    StateSpans(const model::HyperParameters & params, const PrefillPlan & plan, std::uint32_t batch,
               std::shared_ptr<Meter> work);

    /// After the tokens that are held: `held` has the state; null: before the first.
    void begin_layer(const Block * held);
    /// The trunk's state.
    [[nodiscard]] const Block & trunk() const { return trunk_; }
    /// The trunk's state, once its rows are done, becomes the branch's.
    void begin_branch(BranchCache & branch, std::uint32_t layer) const;

    /// `count` rows of a chunk from `row` on: the branch's, or the trunk's where there is none.
    void add(BranchCache * branch, std::uint32_t layer, std::uint32_t row, std::uint32_t count);
    [[nodiscard]] const std::vector<model::StateSpan> & spans() const { return spans_; }
    /// The chunk has run: what it led to takes the place of what it began with.
    void finish_chunk();

private:
    std::size_t floats_;
    Block trunk_;
    Block results_;  ///< [span]
    std::vector<model::StateSpan> spans_;
};

}  // namespace snapkv::run
