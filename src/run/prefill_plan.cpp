#include "run/prefill_plan.h"

#include <algorithm>
#include <optional>

#include "base/raise.h"
#include "kv/rotate.h"
#include "run/layer_shape.h"
#include "run/row_source.h"

namespace snapkv::run {

namespace {

bool voted_on(const model::HyperParameters & params, std::uint32_t layer) {
    return !params.layer_recurs(layer) && params.window_of(layer) == 0;
}

std::uint32_t common_prefix(std::span<const Token> one, std::span<const Token> other) {
    return static_cast<std::uint32_t>(std::ranges::mismatch(one, other).in1 - one.begin());
}

std::uint32_t common_prefix(std::span<const Branch> branches) {
    std::span<const Token> common = branches.front().prompt.tokens;
    for (const Branch & branch : branches) {
        common = common.first(common_prefix(common, branch.prompt.tokens));
    }
    return static_cast<std::uint32_t>(common.size());
}

void check_prompt(const Branch & branch, const model::HyperParameters & params, std::uint32_t context) {
    const std::vector<Token> & tokens = branch.prompt.tokens;
    if (tokens.empty()) {
        raise_input("the prompt is empty");
    }
    if (tokens.size() > context) {
        raise_input("the prompt has {} tokens, more than a context of {}", tokens.size(), context);
    }
    // One place is left for the first generated token, where it is not scores that are wanted.
    if (tokens.size() == context && branch.scoring.tokens == 0) {
        raise_input("the prompt has {} tokens, which leaves no room for an answer in a context of {}", tokens.size(),
                    context);
    }
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= params.vocabulary) {
            raise_input("token {} is not in the vocabulary of {}", token, params.vocabulary);
        }
    }
}

void check_quantised(const char * what, const char * field, KvType type, std::uint32_t size) {
    if (is_quantised(type) && size % kQuantisedBlock != 0) {
        raise_field(field, "{}: q8_0 and q4_0 store blocks of {} elements, and this model's {} have {} per head", field,
                    kQuantisedBlock, what, size);
    }
}

void check_types(const CacheConfig & cache, const model::HyperParameters & params) {
    const kv::LayerShape shape = attending_shape(params, cache.type, cache.rotate);
    check_quantised("keys", "cache.type.key", shape.type.key, shape.key_size);
    if (!shape.values_in_keys) {
        check_quantised("values", "cache.type.value", shape.type.value, shape.value_size);
    } else if (!kv::storable(shape)) {
        raise_field(
            "cache.type.key",
            "cache.type.key: q8_0 and q4_0 rotate stretches of {} elements, and this model's values, the first {} "
            "of a row, are not whole ones (without cache.rotate they are left as they are)",
            kv::key_rotation(shape), shape.value_size);
    }
}

/// What rows are worked on in: the float type that the branches name, the widest where they name several, f16 where all
/// are quantised. What a branch stores in another type is rounded to it after the vote.
KvType common_working_type(std::span<const Branch> branches, const model::HyperParameters & params) {
    std::optional<KvType> type;
    for (const Branch & branch : branches) {
        const KvTypes stored = stored_types(params, branch.cache.type);
        if (!is_quantised(stored.key) || !is_quantised(stored.value)) {
            const KvType named = snapkv::working_type(stored);
            type = type.value_or(named) == named ? named : KvType::F32;
        }
    }
    return type.value_or(KvType::F16);
}

/// Whether those that are held have all rows that are to be held from them on: a sliding layer of a longer document
/// may begin later.
bool reach_back(const model::HyperParameters & params, const TrunkUse & use) {
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (first_held(params, layer, use.hold) <
            first_held(params, layer, static_cast<std::uint32_t>(use.held.size()))) {
            return false;
        }
    }
    return true;
}

/// How many of the first tokens need not be computed: those that are held, but for what branches want queries or logits
/// of. A state is that after all tokens that are held, and a layer that slides has rows of the last.
std::uint32_t usable_rows(const PrefillPlan & plan, const model::HyperParameters & params, const TrunkUse & use) {
    const std::vector<Token> & tokens = plan.branches.front().branch->prompt.tokens;
    std::uint32_t usable = use.type == plan.type ? common_prefix(std::span(tokens).first(plan.trunk), use.held) : 0;
    for (const BranchPlan & branch : plan.branches) {
        const std::uint32_t wanted = branch.accumulates() ? branch.n : std::max(branch.captured(), branch.output_rows);
        usable = std::min(usable, branch.n - wanted);
    }
    const auto all = static_cast<std::uint32_t>(use.held.size());
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const std::uint32_t first = first_held(params, layer, all);
        if ((params.layer_recurs(layer) && usable < all) || (first > 0 && usable < first + params.window_of(layer))) {
            return 0;
        }
    }
    return usable;
}

}  // namespace

std::uint32_t voted_layers(const model::HyperParameters & params) {
    std::uint32_t count = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        count += voted_on(params, layer) ? 1U : 0U;
    }
    return count;
}

std::vector<std::uint32_t> budgets_of(const select::Plan & plan, const model::HyperParameters & params) {
    const std::vector<std::uint32_t> of_voted = select::layer_budgets(plan, voted_layers(params));
    std::vector<std::uint32_t> budgets(params.layers);
    auto next = of_voted.begin();
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        budgets[layer] = voted_on(params, layer) ? *next++ : 0;
    }
    return budgets;
}

PrefillPlan plan_prefill(std::span<const Branch> branches, const model::HyperParameters & params, std::uint32_t context,
                         const TrunkUse & use) {
    if (branches.empty()) {
        raise_input("there is no prompt");
    }
    PrefillPlan plan;
    for (const Branch & branch : branches) {
        check_prompt(branch, params, context);
        check_types(branch.cache, params);
    }
    plan.type = common_working_type(branches, params);
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
        of_branch.voted_layers = voted_layers(params);
        of_branch.budgets = budgets_of(of_branch.cache, params);
        of_branch.type = stored_types(params, branch.cache.type);
        of_branch.keeps_working_rows =
            !of_branch.cache.compress && !of_branch.cache.evicts && of_branch.type == plan.type;
        if (branch.observer.positions > of_branch.n) {
            raise_usage("an observer asks for the last {} positions of a prompt of {} tokens",
                        branch.observer.positions, of_branch.n);
        }
        if (branch.scoring.tokens >= of_branch.n) {
            raise_usage("{} tokens of a prompt of {} are to be scored, expected less than all: the first has no score",
                        branch.scoring.tokens, of_branch.n);
        }
        of_branch.output_rows = branch.scoring.tokens + 1;
        plan.suffix_rows += of_branch.suffix;
        plan.trunk_captured = std::max(plan.trunk_captured, of_branch.trunk_captured());
        plan.branches.push_back(of_branch);
    }
    if (use.hold > plan.trunk) {
        raise_usage("the rows of {} tokens are to be held, and the prompts have {} in common", use.hold, plan.trunk);
    }
    plan.held = usable_rows(plan, params, use);
    if (use.hold > plan.held && !reach_back(params, use)) {
        plan.held = 0;
    }
    plan.read = use.reads && plan.held > 0 ? static_cast<std::uint32_t>(use.held.size()) : 0;
    plan.hold_in_file = use.hold_in_file;
    plan.hold = use.hold > plan.held ? use.hold : 0;  // else the ones that are used serve others too
    return plan;
}

std::uint64_t kept_rows(const BranchPlan & branch, const model::HyperParameters & params) {
    std::uint64_t rows = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        rows += params.layer_recurs(layer) ? 0 : branch.own_rows(layer, params.window_of(layer)).value_or(branch.n);
    }
    return rows;
}

}  // namespace snapkv::run
