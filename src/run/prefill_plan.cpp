#include "run/prefill_plan.h"

#include <algorithm>
#include <optional>

#include "attention/rotate.h"
#include "attention/vote.h"
#include "base/raise.h"
#include "run/hidden_states.h"
#include "run/layer_shape.h"
#include "run/state_spans.h"

namespace snapkv::run {

namespace {

std::uint32_t common_prefix(std::span<const Branch> branches) {
    const std::vector<Token> & first = branches.front().prompt.tokens;
    std::size_t length = first.size();
    for (const Branch & branch : branches) {
        const std::vector<Token> & tokens = branch.prompt.tokens;
        const auto [end, ignored] = std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(length),
                                                  tokens.begin(), tokens.end());
        length = static_cast<std::size_t>(end - first.begin());
    }
    return static_cast<std::uint32_t>(length);
}

void check_prompt(const Prompt & prompt, const model::HyperParameters & params, std::uint32_t context) {
    const std::vector<Token> & tokens = prompt.tokens;
    if (tokens.empty()) {
        raise_input("the prompt is empty");
    }
    // One place is left for the first generated token.
    if (tokens.size() >= context) {
        raise_input("the prompt has {} tokens, which leaves no room for an answer in a context of {}", tokens.size(),
                    context);
    }
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= params.vocabulary) {
            raise_input("token {} is not in the vocabulary of {}", token, params.vocabulary);
        }
    }
}

void check_quantised(const char * what, const char * flag, KvType type, std::uint32_t size) {
    if (is_quantised(type) && size % kQuantisedBlock != 0) {
        raise_usage("{}: q8_0 and q4_0 store blocks of {} elements, and this model's {} have {} per head", flag,
                    kQuantisedBlock, what, size);
    }
}

void check_types(const CacheConfig & cache, const model::HyperParameters & params) {
    const kv::LayerShape shape = attending_shape(params, cache.type, cache.rotate);
    check_quantised("keys", "--kv-type-k", shape.type.key, shape.key_size);
    if (!shape.values_in_keys) {
        check_quantised("values", "--kv-type-v", shape.type.value, shape.value_size);
    } else if (!attention::storable(shape)) {
        raise_usage(
            "--kv-type-k: q8_0 and q4_0 rotate stretches of {} elements, and this model's values, the first {} "
            "of a row, are not whole ones (--kv-rotate off leaves them as they are)",
            attention::key_rotation(shape), shape.value_size);
    }
}

/// What rows are worked on in: the float type that the branches name, the widest where they name several, f16 where all
/// are quantised. What a branch stores in another type is rounded to it after the vote.
KvType working_type(std::span<const Branch> branches, const model::HyperParameters & params) {
    std::optional<KvType> type;
    for (const Branch & branch : branches) {
        const KvTypes stored = stored_types(params, branch.cache.type);
        for (const KvType named : {stored.key, stored.value}) {
            if (!is_quantised(named)) {
                type = type.value_or(named) == named ? named : KvType::F32;
            }
        }
    }
    return type.value_or(KvType::F16);
}

/// One layer's votes of one branch: a float for each query head and prefix column, and the statistics behind them.
std::uint64_t vote_bytes(const BranchPlan & branch, const model::HyperParameters & params) {
    return attention::vote_bytes(params.attention_spec(0), branch.n, branch.cache.prefix(), branch.cache.window);
}

}  // namespace

bool PrefillPlan::shares_trunk() const {
    return std::any_of(branches.begin(), branches.end(),
                       [](const BranchPlan & plan) { return plan.keeps_working_rows; });
}

PrefillPlan plan_prefill(std::span<const Branch> branches, const model::HyperParameters & params,
                         std::uint32_t context) {
    if (branches.empty()) {
        raise_input("there is no prompt");
    }
    PrefillPlan plan;
    for (const Branch & branch : branches) {
        check_prompt(branch.prompt, params, context);
        check_types(branch.cache, params);
    }
    plan.type = working_type(branches, params);
    plan.trunk = common_prefix(branches);
    for (const Branch & branch : branches) {
        BranchPlan of_branch;
        of_branch.branch = &branch;
        of_branch.n = static_cast<std::uint32_t>(branch.prompt.tokens.size());
        of_branch.suffix = of_branch.n - plan.trunk;
        of_branch.first_row = plan.suffix_rows;
        const std::size_t question = std::min(branch.prompt.question_begin, branch.prompt.tokens.size());
        of_branch.cache =
            select::make_plan(branch.cache, of_branch.n, of_branch.n - static_cast<std::uint32_t>(question));
        of_branch.type = stored_types(params, branch.cache.type);
        of_branch.keeps_working_rows = !of_branch.cache.compress && of_branch.type == plan.type;
        if (branch.observer.positions > of_branch.n) {
            raise_usage("an observer asks for the last {} positions of a prompt of {} tokens",
                        branch.observer.positions, of_branch.n);
        }
        plan.suffix_rows += of_branch.suffix;
        plan.trunk_captured = std::max(plan.trunk_captured, of_branch.trunk_captured());
        plan.branches.push_back(of_branch);
    }
    return plan;
}

std::uint64_t kept_rows(const BranchPlan & branch, const model::HyperParameters & params) {
    std::uint64_t rows = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const bool voted_on = branch.cache.compress && params.window_of(layer) == 0 && !params.layer_recurs(layer);
        rows += voted_on ? branch.cache.budget : rows_of_use(params, layer, branch.n);
    }
    return rows;
}

namespace {

/// Bytes of one position's rows in a layer that attends.
std::uint64_t row_bytes(const model::HyperParameters & params, KvTypes type) {
    const kv::LayerShape shape = attending_shape(params, type);
    return std::uint64_t{shape.kv_heads} * shape.row_bytes();
}

std::uint64_t hidden_bytes(const PrefillPlan & plan, const model::HyperParameters & params) {
    const std::uint64_t suffix_rows = plan.suffix_rows > 0 ? plan.suffix_rows + HiddenStates::kLeastRows : 0;
    return (plan.trunk + HiddenStates::kLeastRows + suffix_rows) * params.width * sizeof(float);
}

/// What all branches keep in the end: rows of all layers, and states.
std::uint64_t kept_bytes(const PrefillPlan & plan, const model::HyperParameters & params) {
    const std::uint64_t row = row_bytes(params, plan.type);
    std::uint64_t kept = plan.branches.size() * state_bytes(params);
    for (const BranchPlan & branch : plan.branches) {
        kept += branch.keeps_working_rows ? std::uint64_t{params.attending_layers()} * branch.suffix * row
                                          : kept_rows(branch, params) * row_bytes(params, branch.type);
    }
    for (std::uint32_t layer = 0; layer < params.layers && plan.shares_trunk(); ++layer) {
        kept += rows_of_use(params, layer, plan.trunk) * row;
    }
    return kept;
}

/// Rows at work beside what is kept when the last layer that has any is: the trunk's, and suffixes'.
std::uint64_t working_rows(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch) {
    std::uint64_t suffixes = 0;
    std::uint64_t longest = 0;
    for (const BranchPlan & branch : plan.branches) {
        if (!branch.keeps_working_rows) {
            suffixes += branch.suffix;
            longest = std::max<std::uint64_t>(longest, branch.suffix);
        }
    }
    std::uint32_t last = params.layers - 1;
    while (params.layer_recurs(last)) {
        --last;
    }
    // Where some branch keeps the trunk, its working rows are already among what is kept, unless that layer slides and
    // keeps a few of them.
    const bool last_is_kept = plan.shares_trunk() && params.window_of(last) == 0;
    // Suffixes that share a chunk are at work together, and the first of them may have begun in the chunk before.
    return (last_is_kept ? 0 : plan.trunk) + std::min(suffixes, batch + longest);
}

}  // namespace

PrefillBytes prefill_bytes(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch) {
    std::uint64_t captured = plan.trunk_captured;
    std::uint64_t votes = 0;
    for (const BranchPlan & branch : plan.branches) {
        captured += branch.captured();
        votes = branch.cache.compress ? std::max(votes, vote_bytes(branch, params)) : votes;
    }
    const std::uint64_t query_bytes = std::uint64_t{params.heads} * params.key_size * sizeof(float);
    return {.hidden = hidden_bytes(plan, params),
            .cache = kept_bytes(plan, params) + working_rows(plan, params, batch) * row_bytes(params, plan.type),
            .compute = captured * query_bytes + votes + StateSpans::bytes(params, plan, batch)};
}

}  // namespace snapkv::run
