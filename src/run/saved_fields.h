#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "snapkv/choice_names.h"
#include "snapkv/named_policy.h"

namespace snapkv::run {

// The fields of fixed size, each list written once for both directions: a writer visits constants, a reader fills
// variables. An archive has number(), flag(), choice() (an enum stored as its place in a list of names), optional()
// and text(), each with the name that error messages use.

inline constexpr std::array kScalingNames{"none", "linear", "yarn"};
inline constexpr std::array kBudgetNames{"rows", "percent", "mass"};
inline constexpr std::array kClusterNames{"kernel", "reach", "chunk"};
inline constexpr std::array kLayoutNames{"consecutive", "listed"};

/// Those of the table of policies, as a list.
struct PolicyNames {
    [[nodiscard]] static std::size_t size() { return named_policies().size(); }
    [[nodiscard]] std::string_view operator[](std::size_t policy) const { return named_policies()[policy].name; }
};

template <typename Archive, typename Rope>
void rope_fields(Archive & archive, Rope & rope) {
    archive.choice("RoPE scaling", rope.scaling, kScalingNames);
    archive.number("RoPE dimensions", rope.dimensions);
    archive.number("RoPE base", rope.freq_base);
    archive.number("RoPE frequency scale", rope.freq_scale);
    archive.number("RoPE original context", rope.original_context);
    archive.number("RoPE extrapolation", rope.extrapolation);
    archive.number("RoPE attention factor", rope.attention_factor);
    archive.number("RoPE beta fast", rope.beta_fast);
    archive.number("RoPE beta slow", rope.beta_slow);
    archive.flag("RoPE long factors", rope.long_factors);
}

template <typename Archive, typename Types>
void types_fields(Archive & archive, Types & types) {
    archive.choice("type of keys", types.key, kv_type_names);
    archive.choice("type of values", types.value, kv_type_names);
}

template <typename Archive, typename Shape>
void shape_fields(Archive & archive, Shape & shape) {
    archive.number("KV heads", shape.kv_heads);
    archive.number("key size", shape.key_size);
    archive.number("value size", shape.value_size);
    types_fields(archive, shape.type);
    archive.flag("rotated", shape.rotated);
}

/// What was asked for; what it left open stands among the statistics, settled.
template <typename Archive, typename Config>
void config_fields(Archive & archive, Config & config) {
    archive.choice("policy", config.policy, PolicyNames());
    archive.choice("budget unit", config.budget.unit, kBudgetNames);
    archive.number("budget", config.budget.value);
    archive.number("most rows", config.budget.most);
    archive.optional("window", config.window);
    archive.optional("recent rows", config.recent);
    archive.optional("sink", config.sink);
    archive.optional("tail budget", config.tail_budget);
    types_fields(archive, config.type);
    archive.flag("rotation", config.rotate);
}

template <typename Archive, typename Stats>
void stats_fields(Archive & archive, Stats & stats) {
    config_fields(archive, stats.config);
    archive.flag("compressed", stats.compressed);
    archive.text("reason", stats.reason);
    archive.number("budget in rows", stats.budget);
    archive.number("window in rows", stats.window);
    archive.number("recent rows in force", stats.recent);
    archive.number("sink in force", stats.sink);
    archive.choice("evidence", stats.evidence, evidence_names);
    archive.choice("group", stats.group, group_names);
    archive.choice("cluster", stats.cluster.rule, kClusterNames);
    archive.choice("pooling", stats.cluster.pooling, pooling_names);
    archive.number("reach back", stats.cluster.back);
    archive.number("reach ahead", stats.cluster.ahead);
    archive.flag("words", stats.cluster.words);
    archive.flag("stops", stats.cluster.stops);
    archive.choice("allocation", stats.allocation, allocation_names);
    archive.flag("window cuts question", stats.window_cuts_question);
    archive.number("full rows", stats.rows_full);
    archive.number("kept rows", stats.rows_kept);
    archive.number("least rows of a head", stats.rows_per_head.least);
    archive.number("median rows of a head", stats.rows_per_head.median);
    archive.number("most rows of a head", stats.rows_per_head.most);
    archive.number("full bytes", stats.bytes_full);
    archive.number("kept bytes", stats.bytes_kept);
    archive.flag("evicts", stats.evicts);
    archive.number("evicted rows", stats.evicted);
}

/// The counts that say where a sequence stands. Its tail begins at the position tokens - pending - tail_rows.
struct SavedCounts {
    std::uint32_t tokens = 0;
    std::uint32_t prompt_tokens = 0;
    bool pending = false;
    std::uint32_t tail_rows = 0;
    std::uint32_t segments = 0;
};

template <typename Archive, typename Counts>
void count_fields(Archive & archive, Counts & counts) {
    archive.number("tokens", counts.tokens);
    archive.number("prompt tokens", counts.prompt_tokens);
    archive.flag("pending", counts.pending);
    archive.number("tail rows", counts.tail_rows);
    archive.number("segments", counts.segments);
}

}  // namespace snapkv::run
