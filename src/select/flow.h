#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "select/plan.h"
#include "select/scores.h"
#include "snapkv/position.h"

namespace snapkv::select {

/// What a head keeps beside the sinks and the recent rows, with the scores by which it may lose it again.
struct FlowingHead {
    std::vector<Position> positions;  ///< ascending
    RankedScores scores;              ///< one each
};

/// The same of a layer.
struct FlowingLayer {
    double weight = 0;  ///< by Allocation::Entropy: how evenly the layer's votes are spread, 0 to 1
    std::vector<FlowingHead> heads;
};

/// Budgets that flow between the layers of a prompt whose votes come one layer after the other. All layers together
/// keep what they would by an even allocation, from the first on, as far as they have rows; so the first have all that
/// and give it up as others vote. What a layer keeps only gets less, and after the last layer it is what all votes at
/// hand would have decided: each rule takes the first of candidates in an order, to which a further layer adds its own
/// without changing that of the others.
///
/// Allocation::Global: the best of all layers' and heads' positions, by score, then layer, head, position
/// (Layer-DefensiveKV, arXiv 2510.13334).
/// Allocation::Entropy: each head keeps its best fifth of an even share. The rest is divided among the layers by their
/// weights (LAVa, arXiv 2509.09754: the entropy of the layer's scores as one distribution, over its largest), row by
/// row to the largest weight / (2 rows + 1) (Sainte-Laguë's divisors), then earlier layer; and a layer's goes to the
/// best of its heads' other positions, by score, then head, position.
///
/// Pure and not thread-safe. 8 bytes a row, 12 where something settles ties.
class Flow {
public:
    /// A plan that flows; `layers`: whose rows are voted on.
    Flow(const Plan & plan, std::uint32_t layers, std::uint32_t kv_heads);

    /// The next layer's scores, [KV head] of the prefix.
    void add_layer(std::span<const RankedScores> scores);
    /// The next layer as layers() had it when as many were added.
    void restore_layer(FlowingLayer layer) { layers_.push_back(std::move(layer)); }

    [[nodiscard]] const std::vector<FlowingLayer> & layers() const { return layers_; }

    /// Rows of a head of each of the first `so_far` layers, on average, sinks and recent ones included, if they vote
    /// alike: in all as many as they have after any votes.
    [[nodiscard]] static std::vector<std::uint32_t> rows_after(const Plan & plan, std::uint32_t layers,
                                                               std::uint32_t so_far);

private:
    void divide_among_layers();

    std::uint32_t first_;
    Allocation how_;
    std::uint32_t floor_;   ///< rows that a head keeps whatever the others' votes
    std::uint64_t shared_;  ///< rows beside those, of all layers
    std::vector<FlowingLayer> layers_;
};

}  // namespace snapkv::select
