#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/metrics.h"

namespace snapkv::eval {

/// One of LongBench's English sets (Bai et al., 2023), evaluated as its authors do. Their prompt is
/// before + context + between + input + after, the input only where asks.
struct LongBenchSet {
    std::string_view name;
    Metric metric = Metric::TokenF1;
    std::uint32_t max_tokens = 0;
    bool first_line = false;  ///< only the first line of a prediction is scored
    bool bare = false;        ///< the prompt goes to chat models without their template
    bool asks = true;         ///< each sample asks something of its own, its input
    bool spread = true;       ///< LongBench-E has samples of it that are evenly spread in length, as NAME_e
    std::string_view before = {};
    std::string_view between = {};
    std::string_view after = {};
    /// What the question of a ready prompt begins with, as it is divided at the last place of the first of these that
    /// it has. Ready prompts that are in use do not all have the official wording.
    std::span<const std::string_view> question_starts;
};

/// All 16, in the order of the paper's Table 1.
[[nodiscard]] std::span<const LongBenchSet> longbench_sets();

/// All names: those of LongBench, then those of LongBench-E.
[[nodiscard]] std::vector<std::string> longbench_names();

/// The set of one of these names; null for any other.
[[nodiscard]] const LongBenchSet * find_longbench_set(std::string_view name);

/// The same; throws Error(Usage) that lists the names where this is none of them.
[[nodiscard]] const LongBenchSet & longbench_set(std::string_view name);

}  // namespace snapkv::eval
