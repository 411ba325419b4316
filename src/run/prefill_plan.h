#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/hyper_parameters.h"
#include "select/cluster.h"
#include "select/plan.h"
#include "snapkv/prefill.h"

namespace snapkv::run {

/// One branch of a prefill: its suffix after the trunk, where that lies among all suffix rows, and its cache plan.
struct BranchPlan {
    const Branch * branch = nullptr;
    select::Plan cache;
    std::uint32_t voted_layers = 0;      ///< whose rows are voted on
    std::vector<std::uint32_t> budgets;  ///< [layer]: rows of each head, on average, where the policy chooses them
    std::uint32_t n = 0;                 ///< prompt tokens
    std::uint32_t suffix = 0;            ///< s: tokens after the trunk; 0 where the prompt is the trunk itself
    std::uint32_t first_row = 0;         ///< of its suffix among the suffix rows of all branches
    std::uint32_t output_rows = 1;       ///< last positions whose logits are wanted: one more than tokens are scored
    KvTypes type;                        ///< in which its rows are stored
    std::vector<select::Mark> marks;     ///< what the prompt's text is, where the vote looks at it
    bool keeps_working_rows = false;     ///< whole and in the type they are worked on in: it shares the trunk's

    /// Its votes are the attention of all queries, added up chunk by chunk as they come.
    [[nodiscard]] bool accumulates() const {
        return (cache.compress || cache.evicts) && cache.evidence == Evidence::Accumulated;
    }
    /// Its policy chooses the rows of a layer with this window; 0: one that does not slide.
    [[nodiscard]] bool chooses_rows(std::uint32_t window) const { return cache.compress && window == 0; }
    /// Rows of each head, on average, that it has to itself once a layer with this window is finished; nothing: it
    /// shares the working rows. A sliding layer forgets by itself: what is not seen any more goes, and the budget is
    /// the other layers'.
    [[nodiscard]] std::optional<std::uint32_t> own_rows(std::uint32_t layer, std::uint32_t window) const {
        if (window > 0 && (cache.compress || window < n)) {
            return std::min(window, n);
        }
        if (keeps_working_rows) {
            return std::nullopt;
        }
        return cache.compress ? budgets[layer] : n;
    }
    /// Last rows whose queries are kept while a layer is at hand: those that vote later and those that are observed.
    [[nodiscard]] std::uint32_t captured() const {
        return std::max((cache.compress || cache.evicts) && !accumulates() ? cache.window : 0,
                        branch->observer.positions);
    }
    /// Those of them that lie in the trunk.
    [[nodiscard]] std::uint32_t trunk_captured() const { return captured() > suffix ? captured() - suffix : 0; }
    [[nodiscard]] std::uint32_t suffix_captured() const { return captured() - trunk_captured(); }
};

/// Prompts cut into a trunk (their longest common prefix of t tokens) and each branch's suffix.
struct PrefillPlan {
    std::uint32_t trunk = 0;  ///< t
    std::uint32_t held = 0;   ///< first tokens of the trunk whose rows are there already
    std::uint32_t read = 0;   ///< tokens whose rows are read, layer by layer, for those that are held
    std::uint32_t hold = 0;   ///< first tokens of the trunk whose rows are kept for others, more than are held; 0: none
    std::uint32_t suffix_rows = 0;     ///< of all branches
    std::uint32_t trunk_captured = 0;  ///< last trunk queries that some branch captures
    KvType type = KvType::F16;         ///< of the working rows, a layer's keys and values alike: no quantised one
    bool hold_in_file = false;         ///< and not in memory
    std::vector<BranchPlan> branches;

    [[nodiscard]] std::uint32_t computed() const { return trunk - held + suffix_rows; }
    /// Some branch does.
    [[nodiscard]] bool accumulates() const {
        return std::any_of(branches.begin(), branches.end(),
                           [](const BranchPlan & branch) { return branch.accumulates(); });
    }
    /// Rows of the largest chunk.
    [[nodiscard]] std::uint32_t chunk_rows(std::uint32_t batch) const {
        return std::min(batch, std::max(trunk - held, suffix_rows));
    }
};

/// What a prefill may take from, and leave to, others.
struct TrunkUse {
    std::span<const Token> held{};  ///< tokens whose rows of the plan's type are there
    KvType type = KvType::F16;      ///< of those
    bool reads = false;             ///< they are read
    std::uint32_t hold = 0;         ///< first tokens whose rows are to be kept
    bool hold_in_file = false;      ///< and not in memory
};

/// Throws Error(Usage) for configurations that contradict themselves or the model (quantised rows of a head size
/// that cannot be), Error(Input) for no branch, an empty prompt, a token outside the vocabulary, or a prompt beyond
/// `context`; Error(Usage) for more tokens to hold than the branches have in common.
PrefillPlan plan_prefill(std::span<const Branch> branches, const model::HyperParameters & params, std::uint32_t context,
                         const TrunkUse & use = {});

/// Layers whose rows are voted on: those that neither slide nor recur.
[[nodiscard]] std::uint32_t voted_layers(const model::HyperParameters & params);

/// Rows that a KV head of each layer keeps, on average over its heads: 0 where they are not voted on, since the layer
/// slides or recurs.
[[nodiscard]] std::vector<std::uint32_t> budgets_of(const select::Plan & plan, const model::HyperParameters & params);

/// Rows of one KV head that a branch keeps of its prompt, all layers together.
[[nodiscard]] std::uint64_t kept_rows(const BranchPlan & branch, const model::HyperParameters & params);

}  // namespace snapkv::run
