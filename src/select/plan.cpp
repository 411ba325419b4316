#include "select/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/raise.h"
#include "select/allocation.h"
#include "snapkv/choice_names.h"
#include "snapkv/named_policy.h"

namespace snapkv::select {
namespace {

constexpr std::uint32_t kMostAutomatic = 256;  // recent rows

/// Tokens vote.
bool has_voters(Evidence evidence) {
    return evidence != Evidence::None && evidence != Evidence::Keys;
}

/// What decides on the evidence, as the user wrote it.
std::string evidence_named(const CacheConfig & config) {
    return config.evidence ? fmt::format("cache.evidence {}", name_of(*config.evidence))
                           : fmt::format("cache.policy {}", named_policy(config.policy).name);
}

/// Without a vote nothing that shapes one can be named.
void check_no_vote(const CacheConfig & config) {
    const auto refuse = [&](bool named, const char * field) {
        if (named) {
            raise_field(field,
                        "{} is given, and by {} there is no vote: the first and the last rows are kept; expected "
                        "auto",
                        field, evidence_named(config));
        }
    };
    refuse(config.window.has_value(), "cache.window");
    refuse(config.recent.has_value(), "cache.recent");
    refuse(config.group.has_value(), "cache.group");
    refuse(config.cluster.has_value(), "cache.cluster");
    refuse(config.allocation.has_value(), "cache.allocation");
}

/// Choices that contradict each other or the policy.
void check_choices(const CacheConfig & config) {
    const NamedPolicy & policy = named_policy(config.policy);
    if (policy.own_evidence && config.evidence.value_or(policy.evidence) != policy.evidence) {
        raise_field("cache.evidence",
                    "cache.evidence is {}, and cache.policy {} has its own, {}; expected auto or "
                    "another policy",
                    name_of(*config.evidence), policy.name, name_of(policy.evidence));
    }
    const Evidence evidence = evidence_of(config);
    if (evidence == Evidence::None) {
        check_no_vote(config);
    }
    if (config.window && evidence == Evidence::Keys) {
        raise_field("cache.window", "cache.window is {}, and by {} no token votes; expected auto", *config.window,
                    evidence_named(config));
    }
    if (config.window && evidence == Evidence::Accumulated) {
        raise_field("cache.window", "cache.window is {}, and by {} every token votes; expected auto", *config.window,
                    evidence_named(config));
    }
    const Allocation allocation = config.allocation.value_or(policy.allocation);
    const bool by_heads = allocation != Allocation::Even && allocation != Allocation::Pyramid;
    if (config.group.value_or(policy.group) == GroupReduce::Layer && by_heads) {
        raise_field("cache.allocation",
                    "cache.allocation is {}, and by cache.group layer all KV heads of a layer keep the same rows; "
                    "expected even or pyramid, or another group",
                    name_of(allocation));
    }
}

void check_mass(const CacheConfig & config) {
    const std::string budget = budget_text(config.budget);
    if (!(config.budget.value > 0 && config.budget.value <= 100)) {
        raise_field("cache.budget", "cache.budget is {}; expected more than mass:0% and at most mass:100%", budget);
    }
    if (config.budget.most < Budget::kLeast) {
        raise_field("cache.budget", "cache.budget is {}, rows of a head at most; expected at least {}", budget,
                    Budget::kLeast);
    }
    const Evidence evidence = evidence_of(config);
    if (evidence != Evidence::Mean && evidence != Evidence::Recency) {
        raise_field("cache.budget",
                    "cache.budget is {}, and by {} votes are no shares of attention; expected evidence mean or "
                    "recency, or a number or percentage of rows",
                    budget, evidence_named(config));
    }
    const Allocation allocation = config.allocation.value_or(named_policy(config.policy).allocation);
    if (allocation != Allocation::Even) {
        raise_field("cache.allocation",
                    "cache.allocation is {}, and by cache.budget {} each head has rows by its own votes; expected even",
                    name_of(allocation), budget);
    }
}

/// It goes on evicting while it generates.
bool evicts(const CacheConfig & config) {
    return config.evict.value_or(named_policy(config.policy).evicts_while_generating);
}

/// What comes after the prompt.
void check_tail(const CacheConfig & config) {
    const NamedPolicy & policy = named_policy(config.policy);
    if (evicts(config) && !policy.evicts_while_generating) {
        raise_field("cache.evict",
                    "cache.evict is on, and cache.policy {} decides once, at the prompt's end; expected off, a policy "
                    "that goes on evicting (streaming, tova, h2o, scissorhands), or cache.tail_budget",
                    policy.name);
    }
    if (evicts(config) && config.tail_budget) {
        raise_field("cache.tail_budget",
                    "cache.tail_budget is {}, and by cache.policy {} prompt and answer together stay within the "
                    "budget; expected none, or cache.evict off",
                    *config.tail_budget, policy.name);
    }
    if (config.tail_budget && *config.tail_budget == 0) {
        raise_field("cache.tail_budget", "cache.tail_budget is 0; expected at least 1 row, or none");
    }
}

void check(const CacheConfig & config) {
    check_choices(config);
    if (config.window && *config.window == 0) {
        raise_field("cache.window", "cache.window is 0; expected at least 1 or auto");
    }
    if (config.recent && *config.recent == 0) {
        raise_field("cache.recent", "cache.recent is 0; expected at least 1 or auto");
    }
    const double value = config.budget.value;
    if (config.budget.unit == Budget::Unit::Mass) {
        check_mass(config);
    } else if (config.budget.unit == Budget::Unit::Percent) {
        // 0% is the window alone, and a budget has to be above its window. The comparison is false for NaN.
        if (!(value > 0 && value <= 100)) {
            raise_field("cache.budget", "cache.budget is {}; expected more than 0% and at most 100%",
                        budget_text(config.budget));
        }
    } else if (!(value >= 1 && std::isfinite(value) && value == std::floor(value))) {
        raise_field("cache.budget",
                    "cache.budget is {}; expected a whole number of rows of at least 1, or a percentage",
                    budget_text(config.budget));
    }
}

/// From the question's first token to the prompt's end, within the limits.
std::uint32_t from_question(std::uint32_t question_tokens, std::uint32_t fewest, std::uint32_t most) {
    return std::min(std::max(fewest, question_tokens), most);
}

/// floor(percent / 100 * rows), as if `percent` were the decimal number that was written.
std::uint32_t share(double percent, std::uint32_t rows) {
    // 4.35 and its product may both be rounded down a little, and a whole result must not lose a row by that.
    constexpr double kRounding = 1 + 4 * std::numeric_limits<double>::epsilon();
    return std::min(rows, static_cast<std::uint32_t>(std::floor(percent * rows / 100 * kRounding)));
}

[[noreturn]] void raise_no_vote(const Plan & plan, const CacheConfig & config) {
    const char * most = config.recent ? "cache.recent" : "cache.window";
    raise_field(
        most, "{} {} and cache.sink {} leave the vote no row of cache.budget {}{}; expected {} + sink below the budget",
        most, plan.recent, plan.sink, budget_text(config.budget),
        config.budget.unit == Budget::Unit::Percent
            ? fmt::format(" ({} rows of a prompt of {} tokens)", plan.budget, plan.n)
            : "",
        config.recent ? "recent rows" : "window");
}

/// Something is left to decide; without a vote, the last rows.
bool leaves_a_vote(const Plan & plan) {
    return plan.evidence == Evidence::None ? plan.recent > 0 : std::uint64_t{plan.recent} + plan.sink < plan.budget;
}

/// How the recent rows are settled that the configuration does not name.
RecentRows recent_rows(const CacheConfig & config) {
    return evidence_of(config) == Evidence::None ? RecentRows{RecentRows::Rule::Rest}
                                                 : named_policy(config.policy).recent;
}

/// The rows that are kept whatever the vote are those of the tokens that vote.
bool keeps_its_window(const CacheConfig & config) {
    return !config.recent && recent_rows(config).rule == RecentRows::Rule::Window;
}

/// The configuration says how many recent rows there are, so that too many are its contradiction.
bool names_recent_rows(const CacheConfig & config) {
    return config.recent || (config.window && keeps_its_window(config));
}

/// Voters where `most` rows are to be had for automatic ones that are kept.
std::uint32_t settled_window(const Plan & plan, const CacheConfig & config, std::uint32_t question_tokens,
                             std::uint32_t most) {
    if (!has_voters(plan.evidence)) {
        return 0;
    }
    const Voters voters = named_policy(config.policy).voters;
    if (config.window || voters.fixed()) {
        return config.window.value_or(voters.most);
    }
    // Where they are not kept, the budget does not limit who votes.
    const std::uint32_t limit = keeps_its_window(config) ? most : std::max(plan.n / 2, 1U);
    const std::uint32_t fewest = question_tokens > 0 ? voters.fewest : voters.of_free_text;
    return from_question(question_tokens, fewest, std::min(voters.most, limit));
}

/// Recent rows where `most` are to be had for automatic ones and the budget is settled, if they are a share of it.
std::uint32_t settled_recent(const Plan & plan, const CacheConfig & config, std::uint32_t question_tokens,
                             std::uint32_t most) {
    if (config.recent) {
        return *config.recent;
    }
    const RecentRows recent = recent_rows(config);
    switch (recent.rule) {
        case RecentRows::Rule::Window:
            return plan.window;
        case RecentRows::Rule::Question:
            return from_question(question_tokens, recent.rows, std::min(kMostAutomatic, most));
        case RecentRows::Rule::Fixed:
            return recent.rows;
        case RecentRows::Rule::Half:
            return plan.budget - plan.budget / 2;
        case RecentRows::Rule::Rest:
            break;
    }
    return plan.budget - std::min(plan.budget, plan.sink);
}

/// Voters and recent rows where `most` rows are to be had for automatic ones.
void settle_last_tokens(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens, std::uint32_t most) {
    plan.window = settled_window(plan, config, question_tokens, most);
    plan.recent = settled_recent(plan, config, question_tokens, most);
}

/// The least budget in rows that leaves something to decide beside the sinks and the recent rows that the policy has.
std::uint64_t least_budget(const CacheConfig & config, std::uint32_t sink) {
    const RecentRows recent = recent_rows(config);
    switch (recent.rule) {
        case RecentRows::Rule::Fixed:
            return std::uint64_t{sink} + recent.rows + 1;
        case RecentRows::Rule::Half:
            return std::uint64_t{2} * sink + 2;
        case RecentRows::Rule::Rest:
            return std::uint64_t{sink} + 1;
        case RecentRows::Rule::Window:
        case RecentRows::Rule::Question:
            break;
    }
    return std::uint64_t{sink} + 2;
}

/// A budget in rows contradicts its recent rows or its sinks whatever the prompt, so that is found before the prompt
/// counts.
void settle_rows(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens) {
    // Prompts are counted in 32 bits, so a larger budget means no more than the largest.
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    plan.budget = config.budget.unit == Budget::Unit::Mass
                      ? config.budget.most
                      : static_cast<std::uint32_t>(std::min(config.budget.value, static_cast<double>(kMost)));
    const std::uint64_t least = least_budget(config, plan.sink);
    if (!names_recent_rows(config) && plan.budget < least) {
        if (plan.sink + std::uint64_t{2} == least) {
            raise_field("cache.sink",
                        "cache.sink {} leaves no rows of cache.budget {} to the window and the vote; expected a budget "
                        "of at least {}",
                        plan.sink, budget_text(config.budget), least);
        }
        raise_field("cache.budget", "cache.budget is {}, too few rows for {} with cache.sink {}; expected at least {}",
                    budget_text(config.budget), evidence_named(config), plan.sink, least);
    }
    settle_last_tokens(plan, config, question_tokens, plan.budget > plan.sink ? (plan.budget - plan.sink) / 2 : 0);
    if (!leaves_a_vote(plan)) {
        raise_no_vote(plan, config);
    }
}

void settle_percent(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens) {
    const RecentRows::Rule rule = recent_rows(config).rule;
    const bool of_budget = rule == RecentRows::Rule::Half || rule == RecentRows::Rule::Rest;
    plan.budget = share(config.budget.value, plan.n);
    // One token has no half; it is recent itself.
    settle_last_tokens(plan, config, question_tokens, std::max(plan.n / 2, 1U));
    if (config.recent || !of_budget) {
        const std::uint32_t prefix = plan.n > plan.recent ? plan.n - plan.recent : 0;
        plan.budget = plan.recent + share(config.budget.value, prefix);
    }
}

/// Rows by the mass that they hold: at most the budget, or all of a shorter prompt.
void settle_mass(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens) {
    plan.mass = config.budget.value / 100;
    plan.budget = std::min(plan.budget, plan.n);
    settle_last_tokens(plan, config, question_tokens, plan.budget > plan.sink ? (plan.budget - plan.sink) / 2 : 0);
    plan.least = std::min(plan.budget, std::max(Budget::kLeast, plan.recent + plan.sink + 1));
}

/// What the policy chooses where the configuration leaves it open.
void settle_choices(Plan & plan, const CacheConfig & config) {
    const NamedPolicy & policy = named_policy(config.policy);
    plan.sink = config.sink.value_or(policy.sink);
    plan.evidence = evidence_of(config);
    plan.group = config.group.value_or(policy.group);
    plan.cluster = config.cluster.value_or(policy.cluster);
    plan.allocation = plan.evidence == Evidence::None ? Allocation::Even  // there are no scores to go by
                                                      : config.allocation.value_or(policy.allocation);
}

}  // namespace

Plan make_plan(const CacheConfig & config, std::uint32_t n, std::uint32_t question_tokens) {
    Plan plan;
    plan.n = n;
    check_tail(config);
    if (config.policy == Policy::Full) {
        plan.reason = "the policy is full";
        return plan;
    }
    check(config);
    settle_choices(plan, config);
    plan.evicts = evicts(config);
    const bool percent = config.budget.unit == Budget::Unit::Percent;
    if (percent) {
        settle_percent(plan, config, question_tokens);
    } else {
        settle_rows(plan, config, question_tokens);
    }
    if (config.budget.unit == Budget::Unit::Mass && n > Budget::kLeast) {
        settle_mass(plan, config, question_tokens);
    }
    if (n <= plan.budget && plan.mass == 0) {
        plan.reason = fmt::format("the prompt's tokens ({}) fit in the budget ({} rows)", n, plan.budget);
    } else if (leaves_a_vote(plan)) {
        plan.compress = true;
        plan.window = plan.evidence == Evidence::Accumulated ? n : std::min(plan.window, n);
        const bool reaches_for_question = config.window || !named_policy(config.policy).voters.fixed();
        plan.window_cuts_question = has_voters(plan.evidence) && reaches_for_question && question_tokens > plan.window;
    } else if (names_recent_rows(config) && plan.mass == 0) {
        raise_no_vote(plan, config);
    } else {
        // Nobody asked for these rows: the prompt is merely short, and that is no contradiction.
        plan.reason = fmt::format(
            "the prompt's tokens ({}) are too few for a budget of {}: beside the recent rows ({}) and the sinks ({}) "
            "no row is left",
            n, budget_text(config.budget), plan.recent, plan.sink);
    }
    if (plan.evicts && !plan.compress) {
        plan.window = std::min(plan.window, n);
    }
    return plan;
}

std::vector<std::uint32_t> layer_budgets(const Plan & plan, std::uint32_t layers) {
    if (!plan.compress || plan.allocation != Allocation::Pyramid) {
        return std::vector<std::uint32_t>(layers, plan.budget);
    }
    const std::uint32_t anyway = plan.recent + plan.sink;
    std::vector<std::uint32_t> budgets = pyramid_rows(plan.budget - anyway, plan.n - anyway, layers);
    std::for_each(budgets.begin(), budgets.end(), [anyway](std::uint32_t & rows) { rows += anyway; });
    return budgets;
}

Plan make_turn_plan(const CacheConfig & config, std::uint32_t turns, std::uint32_t message) {
    Plan plan;
    plan.n = turns + message;
    if (config.policy == Policy::Full) {
        plan.reason = "the policy is full";
        return plan;
    }
    check(config);
    settle_choices(plan, config);
    if (plan.evidence == Evidence::Accumulated) {
        raise_field("cache.evidence",
                    "cache.evidence is accumulated, and on turns only the message's tokens vote; expected another");
    }
    if (config.budget.unit == Budget::Unit::Mass) {
        raise_field("cache.budget",
                    "cache.budget is {}, and turns are shrunk to a number or percentage of rows; expected one",
                    budget_text(config.budget));
    }
    const bool percent = config.budget.unit == Budget::Unit::Percent;
    if (!percent && config.budget.value <= plan.sink) {
        raise_field("cache.sink", "cache.sink {} leaves the vote no row of cache.budget {}; expected fewer sinks",
                    plan.sink, budget_text(config.budget));
    }
    const std::uint32_t rows = percent ? share(config.budget.value, turns)
                                       : static_cast<std::uint32_t>(std::min<double>(config.budget.value, turns));
    plan.recent = message;
    plan.window = has_voters(plan.evidence)
                      ? std::min(config.window.value_or(named_policy(config.policy).voters.most), message)
                      : 0;
    plan.budget = message + rows;
    if (rows == turns) {
        plan.reason = fmt::format("the turns' tokens ({}) fit in the budget ({})", turns, budget_text(config.budget));
    } else if (rows <= plan.sink) {
        plan.reason = fmt::format(
            "the turns' tokens ({}) are too few for a budget of {}: beside the sinks ({}) no row "
            "is left",
            turns, budget_text(config.budget), plan.sink);
    } else {
        plan.compress = true;
    }
    return plan;
}

}  // namespace snapkv::select
