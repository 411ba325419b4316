#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "attention/unit.h"
#include "kv/arena.h"
#include "kv/recurrent_state.h"
#include "kv/row_chain.h"
#include "kv/segment.h"
#include "run/compute.h"
#include "run/prefill_plan.h"
#include "select/flow.h"

namespace snapkv::run {

/// The latest vote of one layer on one prompt. Branches that have the prompt in common hand it on from one to the next,
/// and those with the same voters and evidence vote once.
struct LayerVote {
    std::uint32_t window = 0;  ///< 0: nothing is voted on yet
    std::uint32_t prefix = 0;
    Evidence evidence = Evidence::Mean;
    Block votes;  ///< as cast_votes() gives them

    [[nodiscard]] bool serves(const select::Plan & plan) const {
        return window == plan.window && prefix == plan.prefix() && evidence == plan.evidence;
    }
};

/// One branch while a prefill goes through the layers: its rows of the layer at hand, the queries that vote and that
/// are observed, and the segments that grow by one layer at a time. Not thread-safe.
class BranchCache {
public:
    /// `state_floats`: of each layer's recurrent state.
    BranchCache(const BranchPlan & plan, const attention::AttentionSpec & spec, std::vector<std::size_t> state_floats,
                kv::Arena & arena, std::shared_ptr<Meter> work);

    [[nodiscard]] const BranchPlan & plan() const { return plan_; }

    /// A layer begins, in which the trunk's rows are complete: what follows them is the branch's own.
    void begin_layer(const kv::RowChain & trunk);
    /// The layer's column sums are added up: the trunk's, [head][trunk tokens], are complete and outlive the layer.
    /// Those of a suffix are added to a copy. Between begin_layer() and finish_layer(), where the plan accumulates.
    void begin_sums(const float * trunk);
    /// What is added to: [head][plan().n], null where nothing is.
    [[nodiscard]] float * column_sums() { return column_sums_.floats(); }
    /// Addresses for the rows of a layer, none of which are written.
    void reserve_layer(const kv::LayerShape & shape);
    /// This layer's rows; only between begin_layer() and finish_layer(). Only those of a suffix are written.
    [[nodiscard]] kv::RowChain & rows() { return rows_; }
    /// Where the query of captured row `row` (0: the first of the prompt's last `plan().captured()`) goes.
    [[nodiscard]] float * captured_query(std::uint32_t row);

    /// The layer's rows are complete: shows them to the observer, votes, selects and compacts (or keeps all rows, or
    /// where the layer's attention slides those that it still sees), in the stored type, then lets go of the working
    /// rows. `trunk_queries`: the trunk's last `trunk_captured()` queries. `latest`: this layer's latest vote on the
    /// same prompt, used where it serves, else replaced. Throws Interrupted, and what the observer throws.
    void finish_layer(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                      const float * trunk_queries, LayerVote & latest);

    /// The same where work and rows have sizes alone (see Meter), for what it takes and lets go.
    void rehearse_layer(std::uint32_t layer, const attention::AttentionSpec & spec);

    /// The same as finish_layer() for a layer that recurs, which has no rows.
    void finish_recurrent_layer();
    /// What its recurrent layers keep: of those that are finished, after the whole prompt.
    [[nodiscard]] kv::RecurrentState & state() { return state_; }
    [[nodiscard]] const kv::RecurrentState & state() const { return state_; }
    /// Rows of the layers that are finished, [layer][part].
    [[nodiscard]] const std::vector<std::vector<std::shared_ptr<const kv::LayerRows>>> & kept() const { return kept_; }
    /// Where budgets flow between layers: what decides about the rows of those that are finished, one entry for each
    /// whose rows are voted on.
    [[nodiscard]] const std::optional<select::Flow> & flow() const { return flow_; }
    /// This is the entry of a layer whose rows are restored; in the layers' order.
    void restore_flow(std::size_t layer, select::FlowingLayer flowing);
    /// The next layer is finished, and these are its rows.
    void restore_layer(std::vector<std::shared_ptr<const kv::LayerRows>> parts) { kept_.push_back(std::move(parts)); }
    /// What the sequence goes on evicting by, of each layer that is finished (see Eviction::take_rows()).
    [[nodiscard]] const std::vector<Block> & carried() const { return carried_; }
    [[nodiscard]] std::vector<Block> take_carried() { return std::move(carried_); }
    /// Memory for what the next layer carries, whose rows are kept; to be filled. Throws Error(Machine).
    [[nodiscard]] Block & next_carried(std::uint32_t window);
    void restore_compress_ms(double milliseconds) { compress_ms_ = milliseconds; }

    /// Lets go of everything but the plan; nothing else is called then.
    void drop();

    /// What it keeps of all layers: one segment of compacted rows, or the trunk's, which others may share, and its own.
    [[nodiscard]] std::vector<std::shared_ptr<const kv::Segment>> take_segments();
    [[nodiscard]] double compress_ms() const { return compress_ms_; }

private:
    void observe(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec);
    void cast_vote(Compute & compute, const attention::AttentionSpec & spec, LayerVote & latest);
    [[nodiscard]] Block accumulated_votes() const;
    void compress(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec, LayerVote & latest);
    void shrink_earlier(Compute & compute);
    void rehearse_flow();
    void store_whole(Compute & compute);
    void store_last(Compute & compute, std::uint32_t count);
    /// The rows as they are, in the parts in which they are.
    void keep_parts();
    void carry(std::uint32_t window);
    /// Rows of the layer at hand in one part.
    void keep_packed(Compute & compute, const std::vector<std::vector<Position>> & kept);
    [[nodiscard]] kv::LayerShape stored_shape() const;

    BranchPlan plan_;
    std::optional<select::Flow> flow_;
    std::vector<std::size_t> flowing_;  ///< the layers that it has, in their order
    kv::Arena & arena_;
    std::shared_ptr<Meter> work_;
    std::size_t query_floats_;  ///< of one position, all heads
    std::uint32_t heads_;
    Block captured_queries_;
    const float * trunk_sums_ = nullptr;
    Block column_sums_;
    kv::RowChain rows_;
    std::vector<std::vector<std::shared_ptr<const kv::LayerRows>>> kept_;  ///< [layer][part]
    std::vector<Block> carried_;                                           ///< [layer], where it goes on evicting
    kv::RecurrentState state_;
    double compress_ms_ = 0;
};

}  // namespace snapkv::run
