#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace snapkv {

/// Which of a prompt's keys and values are kept after its prefill.
enum class Policy {
    Full,    ///< every row
    SnapKV,  ///< per KV head, the rows that the observation window votes for (arXiv 2404.14469)
};

/// 1-D pooling over the prefix scores, stride 1, padding kernel / 2.
enum class Pooling { None, Max, Avg };

/// How the votes of the query heads that share a KV head are reduced to one.
enum class GroupReduce { Mean, Max, Sum };

/// The type in which rows of keys or values are stored. The last two are ggml's blocks of 32 elements that share a
/// scale (8.5 and 4.5 bits per element).
enum class KvType { F32, F16, BF16, Q8_0, Q4_0 };

[[nodiscard]] constexpr bool is_quantised(KvType type) {
    return type == KvType::Q8_0 || type == KvType::Q4_0;
}

/// Elements in a block of a quantised row: the head dimension must be a multiple of it.
inline constexpr std::uint32_t kQuantisedBlock = 32;

/// Bytes taken by a row of `size` elements.
[[nodiscard]] constexpr std::size_t kv_row_bytes(KvType type, std::size_t size) {
    switch (type) {
        case KvType::F32:
            return size * 4;
        case KvType::Q8_0:
            return size / kQuantisedBlock * 34;
        case KvType::Q4_0:
            return size / kQuantisedBlock * 18;
        case KvType::F16:
        case KvType::BF16:
            break;
    }
    return size * 2;
}

/// The types of keys and values. A single type converts to both.
struct KvTypes {
    constexpr KvTypes(KvType both = KvType::F16) : key(both), value(both) {}  // NOLINT(google-explicit-constructor)
    constexpr KvTypes(KvType key_type, KvType value_type) : key(key_type), value(value_type) {}

    KvType key;
    KvType value;
    bool operator==(const KvTypes &) const = default;
};

/// How many rows each KV head keeps, the observation window and the sinks included.
struct Budget {
    enum class Unit {
        Rows,     ///< `value` rows
        Percent,  ///< window + floor(value / 100 * (n - window)) rows of a prompt of n tokens
    };
    Unit unit = Unit::Rows;
    double value = 1024;
};

/// A cache configuration. The defaults are the command line's, not the paper's (see docs/method.md).
struct CacheConfig {
    Policy policy = Policy::SnapKV;
    Budget budget;
    /// Rows of the observation window. Empty means automatic: from the question's first token to the end of the prompt,
    /// min(max(32, question tokens), 256, (budget - sink) / 2).
    std::optional<std::uint32_t> window;
    std::uint32_t kernel = 7;  ///< odd
    Pooling pooling = Pooling::Max;
    GroupReduce group = GroupReduce::Mean;
    std::uint32_t sink = 0;  ///< first positions, always kept; they count towards the budget
    KvTypes type;
    /// Rotate rows before they are quantised, which spreads outliers (see docs/method.md).
    bool rotate = true;
};

}  // namespace snapkv
