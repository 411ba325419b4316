#include "run/prefill_plan.h"

#include <algorithm>
#include <optional>

#include "attention/vote.h"
#include "base/raise.h"
#include "kv/layer_rows.h"
#include "kv/rotate.h"
#include "run/hidden_states.h"
#include "run/layer_shape.h"
#include "run/row_source.h"
#include "run/state_spans.h"

namespace snapkv::run {

namespace {

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

/// One layer's votes of one branch: a float for each query head and prefix column, and the statistics behind them,
/// which what is accumulated has elsewhere.
std::uint64_t vote_bytes(const BranchPlan & branch, const model::HyperParameters & params) {
    return attention::vote_bytes(params.attention_spec(0), branch.n, branch.cache.prefix(),
                                 branch.accumulates() ? 0 : branch.cache.window,
                                 attention::vote_planes(branch.cache.evidence));
}

}  // namespace

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
        of_branch.type = stored_types(params, branch.cache.type);
        of_branch.keeps_working_rows = !of_branch.cache.compress && of_branch.type == plan.type;
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

std::uint64_t logit_bytes(std::uint32_t rows, const model::HyperParameters & params) {
    return std::uint64_t{std::min(rows, HiddenStates::kLeastRows)} * params.vocabulary * sizeof(float);
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

std::uint64_t hidden_bytes(const PrefillPlan & plan, const model::HyperParameters & params) {
    const std::uint64_t rows = plan.computed() + std::uint64_t{2} * HiddenStates::kLeastRows;
    return rows * params.width * sizeof(float);
}

/// Goes through a prefill and adds up its rows as they come and go.
class RowBytes {
public:
    RowBytes(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch)
        : plan_(plan), params_(params), batch_(batch), alive_(plan.branches.size() * state_bytes(params)) {}

    std::uint64_t peak() {
        for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
            if (!params_.layer_recurs(layer)) {
                add_layer(layer);
            }
        }
        return peak_;
    }

private:
    void add_layer(std::uint32_t layer) {
        const std::uint32_t window = params_.window_of(layer);
        const auto slides = [&](std::uint32_t n) { return window > 0 && window < n; };
        const kv::LayerShape working = layer_shape(params_, layer, plan_.type);
        const std::uint64_t trunk = kv::LayerRows::dense_bytes(working, plan_.trunk - anchor(plan_.held));
        const std::uint64_t read =
            plan_.read > 0 ? kv::LayerRows::dense_bytes(working, plan_.read - first_held(params_, layer, plan_.read))
                           : 0;
        bool trunk_stays = false;
        bool read_stays = false;
        const auto finish = [&](const BranchPlan & branch) {
            if (branch.keeps_working_rows && !slides(branch.n)) {
                read_stays = anchor(plan_.held) > 0;
                trunk_stays = trunk_stays || branch.suffix == 0 || anchor(plan_.trunk) > anchor(plan_.held);
                return;
            }
            const bool voted_on = branch.cache.compress && window == 0;
            const std::uint32_t rows = voted_on ? branch.cache.budget : slides(branch.n) ? window : branch.n;
            take(kv::LayerRows::dense_bytes(layer_shape(params_, layer, branch.type), rows));
        };
        take(read);
        take(trunk);
        for (const BranchPlan & branch : plan_.branches) {
            if (branch.suffix == 0) {
                finish(branch);
            }
        }
        if (plan_.hold > plan_.held) {
            const std::uint32_t first = first_held(params_, layer, plan_.hold);
            const std::uint64_t copy = first > 0 ? kv::LayerRows::dense_bytes(working, plan_.hold - first) : 0;
            take(copy);
            alive_ -= plan_.hold_in_file ? copy : 0;
            trunk_stays = trunk_stays || (first == 0 && !plan_.hold_in_file);
            read_stays = read_stays || (first == 0 && !plan_.hold_in_file);
        }
        // Suffixes that share a chunk are at work together, and the first of them may have begun in the chunk before.
        for (std::uint32_t row = 0; row < plan_.suffix_rows; row += batch_) {
            const std::uint32_t end = row + batch_;
            const auto own = [&](const BranchPlan & branch) {
                return kv::LayerRows::dense_bytes(working, branch.n - anchor(plan_.trunk));
            };
            for (const BranchPlan & branch : plan_.branches) {
                take(branch.suffix > 0 && branch.first_row >= row && branch.first_row < end ? own(branch) : 0);
            }
            for (const BranchPlan & branch : plan_.branches) {
                const std::uint32_t last = branch.first_row + branch.suffix - 1;
                if (branch.suffix > 0 && last >= row && last < end) {
                    finish(branch);
                    alive_ -= branch.keeps_working_rows && !slides(branch.n) ? 0 : own(branch);
                }
            }
        }
        alive_ -= trunk_stays ? 0 : trunk;
        alive_ -= read_stays ? 0 : read;
    }

    [[nodiscard]] static std::uint32_t anchor(std::uint32_t tokens) {
        return tokens / kv::kAnchorRows * kv::kAnchorRows;
    }
    void take(std::uint64_t bytes) {
        alive_ += bytes;
        peak_ = std::max(peak_, alive_);
    }

    const PrefillPlan & plan_;
    const model::HyperParameters & params_;
    std::uint32_t batch_;
    std::uint64_t alive_;
    std::uint64_t peak_ = alive_;
};

/// Of one layer: a chunk's row sums, the trunk's column sums and those of the suffixes that are at work together.
std::uint64_t sum_bytes(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch) {
    if (!plan.accumulates()) {
        return 0;
    }
    std::uint64_t most = 0;
    for (std::uint32_t row = 0; row < plan.suffix_rows; row += batch) {
        std::uint64_t together = 0;
        for (const BranchPlan & branch : plan.branches) {
            const bool at_work =
                branch.suffix > 0 && branch.first_row < row + batch && branch.first_row + branch.suffix > row;
            together += branch.accumulates() && at_work ? branch.n : 0;
        }
        most = std::max(most, together);
    }
    const std::uint64_t of_head =
        (plan.trunk + most) * sizeof(float) + plan.chunk_rows(batch) * sizeof(attention::RowSum);
    return params.heads * of_head;
}

}  // namespace

PrefillBytes prefill_bytes(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch) {
    std::uint64_t captured = plan.trunk_captured;
    std::uint64_t passing = 0;
    for (const BranchPlan & branch : plan.branches) {
        captured += branch.captured();
        const std::uint64_t logits = branch.output_rows > 1 ? logit_bytes(branch.output_rows - 1, params) : 0;
        passing = std::max({passing, logits, branch.cache.votes() ? vote_bytes(branch, params) : 0});
    }
    const std::uint64_t held_states = plan.hold > plan.held ? state_bytes(params) : 0;
    const std::uint64_t query_bytes = std::uint64_t{params.heads} * params.key_size * sizeof(float);
    return {.hidden = hidden_bytes(plan, params),
            .cache = RowBytes(plan, params, batch).peak(),
            .compute = captured * query_bytes + StateSpans::bytes(params, plan, batch) + held_states +
                       sum_bytes(plan, params, batch),
            .passing = passing};
}

}  // namespace snapkv::run
