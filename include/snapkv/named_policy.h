#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"

namespace snapkv {

/// How many of a prompt's last tokens vote where a configuration leaves it open: from the question's first token to the
/// prompt's end, within these limits.
struct Voters {
    std::uint32_t fewest = 0;        ///< however short the question
    std::uint32_t of_free_text = 0;  ///< where there is no question
    std::uint32_t most = 0;

    /// The same number whatever the question; of a shorter prompt, all its tokens.
    [[nodiscard]] static constexpr Voters last(std::uint32_t count) { return {count, count, count}; }
    [[nodiscard]] constexpr bool fixed() const { return fewest == most; }
    bool operator==(const Voters &) const = default;
};

/// How many of a prompt's last rows are kept whatever the vote where a configuration leaves it open.
struct RecentRows {
    enum class Rule {
        Window,    ///< those of the tokens that vote
        Question,  ///< from the question's first token to the prompt's end, no fewer than `rows`
        Fixed,     ///< `rows`
        Half,      ///< half of the budget, rounded up
        Rest,      ///< all of the budget but the sinks: there is no vote
    };
    Rule rule = Rule::Window;
    std::uint32_t rows = 0;
    bool operator==(const RecentRows &) const = default;
};

/// A policy: what it is called, where it comes from, and what it chooses where a configuration leaves it open
/// (docs/method.md). Of Policy::Full only the name and the words mean something.
struct NamedPolicy {
    Policy policy = Policy::Full;
    std::string_view name{};    ///< on the command line, in JSON and in print
    std::string_view source{};  ///< the paper's arXiv number; empty for those of this project's own
    std::string_view keeps{};   ///< what it keeps, in a few words
    std::string_view cost{};    ///< what it adds to a prefill, in a few words
    Evidence evidence = Evidence::Mean;
    bool own_evidence = false;  ///< by other evidence it would not be this policy, so none can be named beside it
    GroupReduce group = GroupReduce::Mean;
    Cluster cluster{};
    Allocation allocation = Allocation::Even;
    Voters voters{};
    RecentRows recent{};
    std::uint32_t sink = 0;
    /// It goes on evicting while it generates, unless CacheConfig::evict says otherwise: prompt and answer together
    /// stay within the budget. The others decide once, at the prompt's end.
    bool evicts_while_generating = false;
};

/// All policies, in the order of the enumeration. Static data; any thread.
[[nodiscard]] SNAPKV_API std::span<const NamedPolicy> named_policies();

[[nodiscard]] inline const NamedPolicy & named_policy(Policy policy) {
    return named_policies()[static_cast<std::size_t>(policy)];
}

/// The evidence in force: the configuration's, else its policy's.
[[nodiscard]] inline Evidence evidence_of(const CacheConfig & config) {
    return config.evidence.value_or(named_policy(config.policy).evidence);
}

}  // namespace snapkv
