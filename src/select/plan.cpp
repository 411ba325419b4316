#include "select/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/raise.h"
#include "select/named_policy.h"

namespace snapkv::select {
namespace {

constexpr std::uint32_t kMostAutomatic = 256;  // voters, and recent rows

/// As the user wrote it: `1024` or `20%`.
std::string spelled(const Budget & budget) {
    return fmt::format("{}{}", budget.value, budget.unit == Budget::Unit::Percent ? "%" : "");
}

void check(const CacheConfig & config) {
    if (config.window && *config.window == 0) {
        raise_field("cache.window", "cache.window is 0; expected at least 1 or auto");
    }
    if (config.recent && *config.recent == 0) {
        raise_field("cache.recent", "cache.recent is 0; expected at least 1 or auto");
    }
    if (config.window && config.evidence == Evidence::Accumulated) {
        raise_field("cache.window",
                    "cache.window is {}, and with cache.evidence accumulated every token votes; expected auto",
                    *config.window);
    }
    const double value = config.budget.value;
    if (config.budget.unit == Budget::Unit::Percent) {
        // 0% is the window alone, and a budget has to be above its window. The comparison is false for NaN.
        if (!(value > 0 && value <= 100)) {
            raise_field("cache.budget", "cache.budget is {}; expected more than 0% and at most 100%",
                        spelled(config.budget));
        }
    } else if (!(value >= 1 && std::isfinite(value) && value == std::floor(value))) {
        raise_field("cache.budget",
                    "cache.budget is {}; expected a whole number of rows of at least 1, or a percentage",
                    spelled(config.budget));
    }
}

/// From the question's first token to the prompt's end, within the limits and at most `most`.
std::uint32_t from_question(std::uint32_t question_tokens, std::uint32_t fewest, std::uint32_t most) {
    return std::min({std::max(fewest, question_tokens), kMostAutomatic, most});
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
        most, plan.recent, plan.sink, spelled(config.budget),
        config.budget.unit == Budget::Unit::Percent
            ? fmt::format(" ({} rows of a prompt of {} tokens)", plan.budget, plan.n)
            : "",
        config.recent ? "recent rows" : "window");
}

bool leaves_a_vote(const Plan & plan) {
    return std::uint64_t{plan.recent} + plan.sink < plan.budget;
}

/// The rows that are kept whatever the vote are those of the tokens that vote.
bool keeps_its_window(const CacheConfig & config) {
    return !config.recent && named_policy(config.policy).fewest_recent == 0;
}

/// The configuration says how many recent rows there are, so that too many are its contradiction.
bool names_recent_rows(const CacheConfig & config) {
    return config.recent || (config.window && keeps_its_window(config));
}

/// Voters and recent rows where `most` rows are to be had for automatic ones.
void settle_last_tokens(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens, std::uint32_t most) {
    const NamedPolicy policy = named_policy(config.policy);
    const bool as_one = keeps_its_window(config);  // else the budget does not limit who votes
    const std::uint32_t most_voters = as_one ? most : std::max(plan.n / 2, 1U);
    const std::uint32_t fewest = question_tokens > 0 ? policy.fewest_voters : policy.voters_of_free_text;
    plan.window = config.window.value_or(from_question(question_tokens, fewest, most_voters));
    plan.recent =
        config.recent.value_or(as_one ? plan.window : from_question(question_tokens, policy.fewest_recent, most));
}

/// A budget in rows contradicts its recent rows or its sinks whatever the prompt, so that is found before the prompt
/// counts.
void settle_rows(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens) {
    // Prompts are counted in 32 bits, so a larger budget means no more than the largest.
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    plan.budget = static_cast<std::uint32_t>(std::min(config.budget.value, static_cast<double>(kMost)));
    if (!names_recent_rows(config) && plan.budget < std::uint64_t{plan.sink} + 2) {
        raise_field("cache.sink",
                    "cache.sink {} leaves no rows of cache.budget {} to the window and the vote; expected a budget "
                    "of at least {}",
                    plan.sink, spelled(config.budget), std::uint64_t{plan.sink} + 2);
    }
    settle_last_tokens(plan, config, question_tokens, (plan.budget - plan.sink) / 2);
    if (!leaves_a_vote(plan)) {
        raise_no_vote(plan, config);
    }
}

void settle_percent(Plan & plan, const CacheConfig & config, std::uint32_t question_tokens) {
    // One token has no half; it is recent itself.
    settle_last_tokens(plan, config, question_tokens, std::max(plan.n / 2, 1U));
    const std::uint32_t prefix = plan.n > plan.recent ? plan.n - plan.recent : 0;
    plan.budget = plan.recent + share(config.budget.value, prefix);
}

/// What the policy chooses where the configuration leaves it open.
void settle_choices(Plan & plan, const CacheConfig & config) {
    const NamedPolicy policy = named_policy(config.policy);
    plan.evidence = config.evidence.value_or(policy.evidence);
    plan.group = config.group.value_or(policy.group);
    plan.cluster = config.cluster.value_or(policy.cluster);
    plan.allocation = config.allocation.value_or(policy.allocation);
}

}  // namespace

Plan make_plan(const CacheConfig & config, std::uint32_t n, std::uint32_t question_tokens) {
    Plan plan;
    plan.n = n;
    if (config.policy == Policy::Full) {
        plan.reason = "the policy is full";
        return plan;
    }
    check(config);
    plan.sink = config.sink;
    settle_choices(plan, config);
    const bool percent = config.budget.unit == Budget::Unit::Percent;
    if (percent) {
        settle_percent(plan, config, question_tokens);
    } else {
        settle_rows(plan, config, question_tokens);
    }
    if (n <= plan.budget) {
        plan.reason = fmt::format("the prompt's tokens ({}) fit in the budget ({} rows)", n, plan.budget);
    } else if (leaves_a_vote(plan)) {
        plan.compress = true;
        plan.window = plan.evidence == Evidence::Accumulated ? n : std::min(plan.window, n);
        plan.window_cuts_question = question_tokens > plan.window;
    } else if (names_recent_rows(config)) {
        raise_no_vote(plan, config);
    } else {
        // Nobody asked for these rows: the prompt is merely short, and that is no contradiction.
        plan.reason = fmt::format(
            "the prompt's tokens ({}) are too few for a budget of {}: beside the recent rows ({}) and the sinks ({}) "
            "no row is left",
            n, spelled(config.budget), plan.recent, plan.sink);
    }
    return plan;
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
    const bool percent = config.budget.unit == Budget::Unit::Percent;
    plan.sink = config.sink;
    if (!percent && config.budget.value <= plan.sink) {
        raise_field("cache.sink", "cache.sink {} leaves the vote no row of cache.budget {}; expected fewer sinks",
                    plan.sink, spelled(config.budget));
    }
    const std::uint32_t rows = percent ? share(config.budget.value, turns)
                                       : static_cast<std::uint32_t>(std::min<double>(config.budget.value, turns));
    plan.recent = message;
    plan.window = std::min(config.window.value_or(kMostAutomatic), message);
    plan.budget = message + rows;
    if (rows == turns) {
        plan.reason = fmt::format("the turns' tokens ({}) fit in the budget ({})", turns, spelled(config.budget));
    } else if (rows <= plan.sink) {
        plan.reason = fmt::format(
            "the turns' tokens ({}) are too few for a budget of {}: beside the sinks ({}) no row "
            "is left",
            turns, spelled(config.budget), plan.sink);
    } else {
        plan.compress = true;
    }
    return plan;
}

}  // namespace snapkv::select
