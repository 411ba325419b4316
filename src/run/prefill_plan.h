#pragma once

#include <algorithm>
#include <cstdint>
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
    std::uint32_t n = 0;              ///< prompt tokens
    std::uint32_t suffix = 0;         ///< s: tokens after the trunk; 0 where the prompt is the trunk itself
    std::uint32_t first_row = 0;      ///< of its suffix among the suffix rows of all branches
    std::uint32_t output_rows = 1;    ///< last positions whose logits are wanted: one more than tokens are scored
    KvTypes type;                     ///< in which its rows are stored
    std::vector<select::Mark> marks;  ///< what the prompt's text is, where the vote looks at it
    bool keeps_working_rows = false;  ///< whole and in the type they are worked on in: it shares the trunk's

    /// Its votes are the attention of all queries, added up chunk by chunk as they come.
    [[nodiscard]] bool accumulates() const { return cache.compress && cache.evidence == Evidence::Accumulated; }
    /// Last rows whose queries are kept while a layer is at hand: those that vote later and those that are observed.
    [[nodiscard]] std::uint32_t captured() const {
        return std::max(cache.compress && !accumulates() ? cache.window : 0, branch->observer.positions);
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

/// Bytes of logits that are had at once of so many rows.
[[nodiscard]] std::uint64_t logit_bytes(std::uint32_t rows, const model::HyperParameters & params);

/// Rows of one KV head that a branch keeps of its prompt, all layers together.
[[nodiscard]] std::uint64_t kept_rows(const BranchPlan & branch, const model::HyperParameters & params);

/// Bytes of a prefill by `plan`, from its sizes alone: what the engine will allocate.
struct PrefillBytes {
    std::uint64_t hidden = 0;
    std::uint64_t cache = 0;    ///< peak: working rows of one layer and all kept rows
    std::uint64_t compute = 0;  ///< queries, sums; with packed weights and the graph's buffers once they are known
    std::uint64_t passing = 0;  ///< what comes and goes: votes, weights to be packed, logits of scored tokens
    bool refused = false;       ///< the graph's buffers could not be had, and are missing from the sum

    [[nodiscard]] std::uint64_t total() const { return hidden + cache + compute + passing; }
};
/// `batch`: rows of a chunk, in which the suffixes of several branches may be at work together.
[[nodiscard]] PrefillBytes prefill_bytes(const PrefillPlan & plan, const model::HyperParameters & params,
                                         std::uint32_t batch);

}  // namespace snapkv::run
