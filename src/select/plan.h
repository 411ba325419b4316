#pragma once

#include <cstdint>
#include <string>

#include "snapkv/cache_config.h"

namespace snapkv::select {

/// A cache configuration made concrete for one prompt of `n` tokens.
struct Plan {
    bool compress = false;
    std::string reason;        ///< plain English, why not, where `compress` is false
    std::uint32_t n = 0;       ///< prompt tokens
    std::uint32_t budget = 0;  ///< rows a KV head keeps, window and sinks included; 0 under Policy::Full
    std::uint32_t window = 0;  ///< observation rows; 0 under Policy::Full
    std::uint32_t sink = 0;
    std::uint32_t kernel = 1;
    Pooling pooling = Pooling::None;
    GroupReduce group = GroupReduce::Mean;
    bool window_cuts_question = false;
    [[nodiscard]] std::uint32_t prefix() const { return n - window; }
};

/// Settles `auto`, percentages and limits (window auto = min(max(32, question), 256, (budget - sink) / 2); a budget of
/// P% = window + floor(P / 100 * (n - window)), for which the automatic window is min(max(32, question), 256, n / 2)).
/// `question_tokens` counts from the question's first token to the prompt's end; 0 without a question. n <= budget:
/// nothing is compressed, with the reason; nor where a percentage of a short prompt leaves no row beside an automatic
/// window and the sinks. Throws Error(Usage), naming the flag (--kv-budget, --kv-window, --kv-kernel, --kv-sink), what
/// was found and what was expected: an even or zero kernel, a budget of zero rows, of a fraction of a row, not a number
/// or not within 0 (excluded) to 100 %, an explicit window of 0, window + sink not below the budget.
Plan make_plan(const CacheConfig & config, std::uint32_t n, std::uint32_t question_tokens);

}  // namespace snapkv::select
