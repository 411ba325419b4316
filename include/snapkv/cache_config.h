#pragma once

#include <cstdint>
#include <optional>

namespace snapkv {

/// What is kept of a prompt's keys and values after its prefill.
enum class Policy {
    Full,    ///< every row
    SnapKV,  ///< per KV head, the rows that the observation window votes for (arXiv 2404.14469)
};

/// 1-D pooling over the prefix scores, stride 1, padding kernel / 2.
enum class Pooling { None, Max, Avg };

/// How the votes of the query heads that share a KV head become one.
enum class GroupReduce { Mean, Max, Sum };

/// The type in which keys and values are stored.
enum class KvType { F32, F16, BF16 };

/// How many rows each KV head keeps, the observation window and the sinks included.
struct Budget {
    enum class Unit {
        Rows,     ///< `value` rows
        Percent,  ///< window + floor(value / 100 * (n - window)) rows of a prompt of n tokens
    };
    Unit unit = Unit::Rows;
    double value = 1024;
};

/// One cache configuration. The defaults are those of the command line, not the paper's (see docs/method.md).
struct CacheConfig {
    Policy policy = Policy::SnapKV;
    Budget budget;
    /// Rows of the observation window; none means automatic: from the question's first token to the prompt's end,
    /// min(max(32, question tokens), 256, (budget - sink) / 2).
    std::optional<std::uint32_t> window;
    std::uint32_t kernel = 7;  ///< odd
    Pooling pooling = Pooling::Max;
    GroupReduce group = GroupReduce::Mean;
    std::uint32_t sink = 0;  ///< first positions that are always kept; they count within the budget
    KvType type = KvType::F16;
};

}  // namespace snapkv
