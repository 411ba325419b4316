#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "snapkv/cluster.h"
#include "snapkv/export.h"

namespace snapkv {

/// Which of a prompt's keys and values are kept after its prefill. named_policy.h has what each chooses.
enum class Policy {
    Full,          ///< every row
    SnapKV,        ///< per KV head, the rows that the observation window votes for, as in the paper (arXiv 2404.14469)
    Auto,          ///< the same with the choices that lose least (docs/method.md); they may change between versions
    Streaming,     ///< the first 4 rows and the last ones, without a vote: StreamingLLM (arXiv 2309.17453)
    Tova,          ///< per layer, what the last token attends to (arXiv 2401.06104)
    H2O,           ///< the heavy hitters of all tokens, and as many of the last rows (arXiv 2306.14048)
    ScissorHands,  ///< what the last 400 tokens most often attend to more than evenly (arXiv 2305.17118)
    Ada,           ///< SnapKV with more rows for heads whose votes stand out: Ada-KV (arXiv 2407.11550)
    KeyDiff,       ///< the rows whose keys resemble the others least, whatever the question (arXiv 2504.15364)
    Chunk,         ///< chunks of 20 rows by what the window attends to: ChunkKV (arXiv 2502.00299)
    DropKV,        ///< the rows without which the window's outputs would change most (kvpress issue 284)
    Pyramid,       ///< SnapKV with fewer rows the later the layer: PyramidKV (arXiv 2406.02069)
    Lava,  ///< more rows for heads whose votes stand out and layers whose votes are spread: LAVa (arXiv 2509.09754)
};

/// How the attention that one query head's voters give to a row becomes its vote.
enum class Evidence {
    Mean,      ///< over the voters (the paper's)
    Rms,       ///< root mean square: some sure voters count for more than many unsure ones
    Top4,      ///< mean of the four largest
    Max,       ///< the largest
    MaxFloor,  ///< the largest, but no less than the mean of all rows' largest
    Recency,   ///< mean weighted by recency, 1 / (d + 12) for the d-th voter from the end: the 14th counts half of the
               ///< last, the 40th a quarter
    /// The sum over every token of the prompt, each of which votes, as in H2O (arXiv 2306.14048) at the prompt's end:
    /// no window is named beside it, rows of a document are computed anew, and turns cannot be shrunk by it.
    Accumulated,
    /// How many voters do not give it less than an even share, 1 / t for a voter that sees t rows, as ScissorHands
    /// counts (arXiv 2305.17118). Those that cannot see it count too. Of equal votes the one whose weights come to more
    /// is the better, then the earlier row's.
    Pivotal,
    None,  ///< none is taken: the sinks and the last rows are kept. No window, recent rows or cluster beside it.
    /// How little its key resembles the others of its KV head, as KeyDiff has it (arXiv 2504.15364): no token votes,
    /// and no window is named beside it.
    Keys,
    /// How much the voters' outputs would change if the row alone were left out: with weight a, output o and value v,
    /// the mean of (a / (1 - a))^2 |o - v|^2, as DropKV has it (kvpress issue 284).
    Output,
    /// The mean over the voters, times the largest sum of magnitudes that a value of its KV head has, as LAVa has it
    /// (arXiv 2509.09754): within a head the order of Mean, across heads what a row can add to the output.
    Values,
};

/// How the votes of the query heads that share a KV head are reduced to one.
enum class GroupReduce {
    Mean,
    Max,
    Sum,
    Layer,  ///< the mean over all query heads of the layer, so that all its KV heads keep the same rows
};

/// How rows are divided among the KV heads of a layer and among the layers whose rows are voted on: the budget times
/// the number of heads and layers in all.
enum class Allocation {
    Even,   ///< the budget each
    Heads,  ///< each layer the same, more to heads whose votes stand out: Ada-KV (arXiv 2407.11550), with a fifth of an
            ///< even share for each
    Pyramid,  ///< the first layer most, each further one less by the same number of rows: PyramidKV (arXiv 2406.02069)
    Entropy,  ///< layers by how evenly their votes are spread, the heads of a layer by their votes, but a fifth of the
              ///< budget for each: LAVa's shares (arXiv 2509.09754). Earlier layers give rows up as later ones vote
    Global,  ///< the heads of all layers compete by their votes: Layer-DefensiveKV's shares (arXiv 2510.13334). Earlier
             ///< layers give rows up as later ones vote
};

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

/// In which a prefill computes rows, keys and values alike, that are stored as `types`: the float type that these name,
/// f32 if they name two, f16 if both are quantised.
[[nodiscard]] constexpr KvType working_type(KvTypes types) {
    if (is_quantised(types.key)) {
        return is_quantised(types.value) ? KvType::F16 : types.value;
    }
    return is_quantised(types.value) || types.key == types.value ? types.key : KvType::F32;
}

/// How many rows each KV head keeps (on average, if they are not divided evenly), the recent rows and the sinks
/// included.
struct Budget {
    enum class Unit {
        Rows,     ///< `value` rows
        Percent,  ///< recent + floor(value / 100 * (n - recent)) rows of a prompt of n tokens
        /// Each head as few rows as hold `value` percent of its voters' attention, no fewer than kLeast and no more
        /// than `most`. The votes are shares of attention by Evidence::Mean and Recency; no rows are divided then.
        Mass,
    };
    static constexpr std::uint32_t kLeast = 64;
    Unit unit = Unit::Rows;
    double value = 1024;
    std::uint32_t most = 4096;  ///< rows of a head, where the unit is Mass
};

/// As it is written on the command line: 1024, 20%, mass:95%:4096.
[[nodiscard]] SNAPKV_API std::string budget_text(const Budget & budget);

/// A cache configuration. What is left empty is the policy's own choice (see docs/method.md).
struct CacheConfig {
    Policy policy = Policy::Auto;
    Budget budget;
    /// The observation window: how many of the prompt's last tokens vote. The policy's own reaches from the question's
    /// first token to the end of the prompt, within limits, but where the policy has a number of its own; all tokens
    /// vote by Evidence::Accumulated, and none by Evidence::None and Evidence::Keys.
    std::optional<std::uint32_t> window{};
    /// How many of the prompt's last rows are kept whatever the vote.
    std::optional<std::uint32_t> recent{};
    std::optional<Evidence> evidence{};
    std::optional<GroupReduce> group{};
    std::optional<Cluster> cluster{};
    std::optional<Allocation> allocation{};
    std::optional<std::uint32_t> sink{};  ///< first positions, always kept; they count towards the budget
    /// Whether it goes on evicting while it generates, so that prompt and answer together stay within the budget;
    /// empty: as the policy's authors have it. Only a policy that does so can (NamedPolicy::evicts_while_generating).
    /// Layers that slide hold what their window sees instead, and those that recur hold no rows.
    std::optional<bool> evict{};
    /// How many rows of what comes after the prompt, generated tokens and further turns, each KV head holds: the last
    /// ones. Layers that slide hold what their window sees, and those that recur hold no rows. Empty: all of them.
    std::optional<std::uint32_t> tail_budget{};
    KvTypes type;
    /// Rotate rows before they are quantised, which spreads outliers (see docs/method.md).
    bool rotate = true;
};

}  // namespace snapkv
