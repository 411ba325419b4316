#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapkv/cache_config.h"

namespace snapkv::select {

/// A cache configuration made concrete for one prompt of `n` tokens.
struct Plan {
    bool compress = false;
    std::string reason;   ///< plain English, why not, where `compress` is false
    std::uint32_t n = 0;  ///< prompt tokens
    std::uint32_t budget =
        0;  ///< rows a KV head keeps on average, recent ones and sinks included; 0 under Policy::Full
    /// Above 0: each head keeps as few rows as hold this share of its voters' attention, from `least` to `budget` of
    /// them, recent ones and sinks included.
    double mass = 0;
    std::uint32_t least = 0;
    /// Last tokens that vote, all by Evidence::Accumulated; 0 under Policy::Full and where none do.
    std::uint32_t window = 0;
    std::uint32_t recent = 0;  ///< last rows that are kept; 0 under Policy::Full
    std::uint32_t sink = 0;
    Evidence evidence = Evidence::Mean;
    GroupReduce group = GroupReduce::Mean;
    Cluster cluster{};
    Allocation allocation = Allocation::Even;
    bool window_cuts_question = false;
    bool evicts = false;  ///< goes on while it generates, whether or not the prompt is compressed
    /// There is a vote on which rows to keep.
    [[nodiscard]] bool votes() const { return compress && evidence != Evidence::None; }
    /// What a layer keeps depends on the votes in later layers, too.
    [[nodiscard]] bool flows() const {
        return compress && (allocation == Allocation::Entropy || allocation == Allocation::Global);
    }
    /// The rows that are voted on.
    [[nodiscard]] std::uint32_t prefix() const { return n - recent; }
};

/// Settles percentages, limits and what the configuration leaves to its policy. Automatic voters and recent rows reach
/// from the question's first token to the prompt's end, no fewer than the policy's fewest and no more than 256; recent
/// rows, and the voters of a policy that keeps all of them, no more than (budget - sink) / 2 of a budget in rows; other
/// numbers no more than n / 2, but for a policy's fixed ones (Voters, RecentRows). A budget of P% is recent + floor(P /
/// 100 * (n - recent)); where the recent rows are a share of the budget, floor(P / 100 * n). `question_tokens` counts
/// from the question's first token to the prompt's end; 0 without a question. n <= budget: nothing is compressed, with
/// the reason (of mass: n <= Budget::kLeast); nor where a percentage of a short prompt leaves no row beside automatic
/// recent rows and the sinks. Throws Error(Usage), naming the field (cache.budget, cache.window, ...), what was found
/// and what was expected: a tail budget or a budget of zero rows, one of a fraction of a row, not a number or not
/// within 0 (excluded) to 100
/// %, a window or recent rows of 0, a window beside Evidence::Accumulated, anything that shapes a vote beside
/// Evidence::None, other evidence than that of a policy with its own, an allocation by heads where all heads keep the
/// same rows, recent + sink not below the budget; a budget of mass beside evidence that is no share of attention,
/// beside an allocation, or of fewer rows at most than Budget::kLeast.
Plan make_plan(const CacheConfig & config, std::uint32_t n, std::uint32_t question_tokens);

/// How many rows a KV head of each of `layers` layers keeps, on average over the layer's heads, recent ones and sinks
/// included: plan.budget, or what the plan's allocation makes of it. The layers are those whose rows are voted on, in
/// their order.
[[nodiscard]] std::vector<std::uint32_t> layer_budgets(const Plan & plan, std::uint32_t layers);

/// The plan for `turns` tokens that came since a prompt, on which the `message` that follows votes and keeps all rows
/// of its own: `n` is both together, the budget counts the turns' rows alone, `recent` is the message and `sink` the
/// turns' first rows; by Evidence::None the turns' last rows are kept beside them. Automatic voters are the whole
/// message, at most the policy's most; the configuration's recent rows do not count. Turns that fit, or of which a
/// percentage leaves the vote no row, are not compressed, with the reason. Throws as above, and Error(Usage) for a
/// budget in rows that is all sinks, for one of mass, and for Evidence::Accumulated (cache.evidence): the queries of
/// what came before the message are gone.
Plan make_turn_plan(const CacheConfig & config, std::uint32_t turns, std::uint32_t message);

}  // namespace snapkv::select
