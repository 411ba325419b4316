#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "select/cluster.h"
#include "select/plan.h"
#include "select/scores.h"
#include "snapkv/position.h"

namespace snapkv::select {

/// What the KV heads of one layer keep, decided for all of them together: the sinks, the best of the prefix (without a
/// vote its last), the recent rows. score() once for each head, then allocate(), then keep() for each head; different
/// heads may be on different threads.
class LayerChoice {
public:
    /// `votes` [KV head][group][plan.prefix()]: each query head's evidence for each prefix row; by Evidence::Pivotal
    /// followed by as many numbers that settle ties, and by Evidence::None empty. `marks` says what the text is at each
    /// of the prompt's positions; it may be empty unless plan.cluster reads it. All must outlive it.
    LayerChoice(const Plan & plan, std::span<const float> votes, std::uint32_t kv_heads,
                std::span<const Mark> marks = {});

    /// From the head's votes, or the layer's, to its scores: votes spread over the whole prefix, the sinks are taken
    /// out of the competition later.
    void score(std::uint32_t head);
    /// Of each head, where a later decision is made by them; nothing else is called then.
    [[nodiscard]] std::vector<RankedScores> take_scores() { return std::move(scores_); }
    /// How many rows each head keeps: `budget` times the number of heads together, recent rows and sinks included;
    /// where the plan goes by mass, what each head's comes to.
    void allocate(std::uint32_t budget);
    /// The positions that the head keeps, ascending.
    [[nodiscard]] std::vector<Position> keep(std::uint32_t head) const;

private:
    [[nodiscard]] std::span<const float> votes_of(std::span<const float> votes, std::uint32_t head) const;
    [[nodiscard]] std::vector<float> scored(std::span<const float> votes, std::uint32_t head) const;
    [[nodiscard]] std::uint32_t rows_of_mass(std::uint32_t head) const;
    /// The head whose scores this one goes by: by GroupReduce::Layer the first, whose are the layer's.
    [[nodiscard]] std::uint32_t scored_at(std::uint32_t head) const {
        return plan_.group == GroupReduce::Layer ? 0 : head;
    }

    const Plan & plan_;
    std::span<const float> votes_;
    std::span<const float> ties_;
    std::span<const Mark> marks_;
    std::vector<RankedScores> scores_;  ///< of the prefix
    std::vector<std::uint32_t> voted_;  ///< rows of each head beside sinks and recent ones
};

/// What a head keeps where it keeps `voted` (ascending) of the prefix: the sinks, these and the recent rows.
[[nodiscard]] std::vector<Position> with_rows_kept_anyway(const Plan & plan, std::span<const Position> voted);

/// What is kept in a layer with one KV head.
[[nodiscard]] std::vector<Position> keep_positions(const Plan & plan, std::span<const float> votes,
                                                   std::span<const Mark> marks = {});

}  // namespace snapkv::select
