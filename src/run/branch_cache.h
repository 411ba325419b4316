#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attention/unit.h"
#include "kv/arena.h"
#include "kv/recurrent_state.h"
#include "kv/segment.h"
#include "run/compute.h"
#include "run/prefill_plan.h"

namespace snapkv::run {

/// The latest vote of one layer on one prompt. Branches that have the prompt in common hand it on from one to the next,
/// and those with the same voters and evidence vote once.
struct LayerVote {
    std::uint32_t window = 0;  ///< 0: nothing is voted on yet
    std::uint32_t prefix = 0;
    Evidence evidence = Evidence::Mean;
    Block votes;  ///< [KV head][group][prefix] floats

    [[nodiscard]] bool serves(const select::Plan & plan) const {
        return window == plan.window && prefix == plan.prefix() && evidence == plan.evidence;
    }
};

/// One branch while a prefill goes through the layers: its suffix's working rows, the queries that vote and that are
/// observed, and the segments that grow by one layer at a time. Not thread-safe.
class BranchCache {
public:
    /// `state_floats`: of each layer's recurrent state.
    BranchCache(const BranchPlan & plan, const attention::AttentionSpec & spec, std::vector<std::size_t> state_floats,
                kv::Arena & arena, std::shared_ptr<Meter> work);

    [[nodiscard]] const BranchPlan & plan() const { return plan_; }

    /// Room for the suffix's rows of the layer that begins; they start at position `trunk`.
    void begin_layer(const kv::LayerShape & shape, std::uint32_t trunk);
    /// This layer's suffix rows; only between begin_layer() and finish_layer(), only where there is a suffix.
    [[nodiscard]] kv::LayerRows & suffix_rows() { return *suffix_rows_; }
    /// Where the query of captured row `row` (0: the first of the prompt's last `plan().captured()`) goes.
    [[nodiscard]] float * captured_query(std::uint32_t row);

    /// The layer's rows are complete: shows them to the observer, votes, selects and compacts (or keeps all rows, or
    /// where the layer's attention slides those that it still sees), in the stored type, then lets go of the working
    /// rows. `trunk_queries`: the trunk's last `trunk_captured()` queries. `latest`: this layer's latest vote on the
    /// same prompt, used where it serves, else replaced. Throws Interrupted, and what the observer throws.
    void finish_layer(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                      const std::shared_ptr<const kv::LayerRows> & trunk, const float * trunk_queries,
                      LayerVote & latest);

    /// The same for a layer that recurs, whose suffix has no rows.
    void finish_recurrent_layer();
    /// What its recurrent layers keep: of those that are finished, after the whole prompt.
    [[nodiscard]] kv::RecurrentState & state() { return state_; }

    /// Lets go of everything but the plan; nothing else is called then.
    void drop();

    /// The segment of this branch alone: compacted rows, or the suffix's.
    [[nodiscard]] std::shared_ptr<const kv::Segment> take_segment() { return std::move(segment_); }
    [[nodiscard]] double compress_ms() const { return compress_ms_; }

private:
    [[nodiscard]] std::vector<std::vector<kv::HeadRows>> views(const kv::LayerRows & trunk) const;
    void observe(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                 const kv::LayerRows & trunk);
    void cast_vote(Compute & compute, const attention::AttentionSpec & spec, const kv::LayerRows & trunk,
                   LayerVote & latest);
    void compress(Compute & compute, const attention::AttentionSpec & spec, const kv::LayerRows & trunk,
                  LayerVote & latest);
    void store_whole(Compute & compute, const kv::LayerRows & trunk);
    void store_last(Compute & compute, const kv::LayerRows & trunk, std::uint32_t count);
    [[nodiscard]] kv::LayerShape stored_shape(const kv::LayerRows & trunk) const;

    BranchPlan plan_;
    kv::Arena & arena_;
    std::shared_ptr<Meter> work_;
    std::size_t query_floats_;  ///< of one position, all heads
    Block captured_queries_;
    std::shared_ptr<kv::LayerRows> suffix_rows_;
    std::shared_ptr<kv::Segment> segment_ = std::make_shared<kv::Segment>();
    kv::RecurrentState state_;
    double compress_ms_ = 0;
};

/// The last `count` of dense rows, as rows of their own.
[[nodiscard]] std::shared_ptr<kv::LayerRows> last_rows(kv::Arena & arena, Compute & compute,
                                                       const kv::LayerShape & shape, const kv::LayerRows & rows,
                                                       std::uint32_t count);

}  // namespace snapkv::run
