#pragma once

#include <cstdint>

namespace snapkv {

/// 1-D pooling over the prefix scores, stride 1.
enum class Pooling { None, Max, Avg };

/// How a vote for one row spreads to the rows around it, so that what is kept is text rather than single tokens. A rule
/// makes one order of rows: what it keeps of b rows is part of what it keeps of b + 1.
struct Cluster {
    enum class Rule {
        /// A row's score is the largest vote (or the mean of the votes) that reach it: each reaches `back` rows before
        /// its own and `ahead` rows behind it. Equal numbers of both are the paper's pooling (arXiv 2404.14469).
        Kernel,
        /// A vote halves every `back` rows before its own and every `ahead` rows behind it (0: it does not spread that
        /// way), and a row's score is the largest that reaches it. So a vote reaches as far as it stands out above the
        /// last row kept: one that is 16 times as large, 4 x `ahead` rows.
        Reach,
        /// The prefix is cut into chunks of width() rows, and each row's score is the mean of its chunk's votes, so
        /// that chunks are kept whole (arXiv 2502.00299). The last chunk may be shorter; the one that no longer fits
        /// the budget is kept from its start.
        Chunk,
    };
    Rule rule = Rule::Kernel;
    Pooling pooling = Pooling::Max;  ///< of a kernel
    std::uint32_t back = 3;
    std::uint32_t ahead = 3;
    /// A run of tokens without white space takes the largest score in it, so that it is kept whole; the one that no
    /// longer fits the budget is kept from its start.
    bool words = false;
    /// With Rule::Reach: a step over the end of a line or a sentence counts twice.
    bool stops = false;

    /// The paper's: stride 1, padding (width - 1) / 2 on either side. `width` is odd; of an even one, the larger half
    /// lies behind.
    [[nodiscard]] static constexpr Cluster kernel(std::uint32_t width, Pooling pooling = Pooling::Max) {
        return {.pooling = pooling, .back = width > 0 ? (width - 1) / 2 : 0, .ahead = width / 2};
    }
    [[nodiscard]] static constexpr Cluster reach(std::uint32_t back, std::uint32_t ahead) {
        return {.rule = Rule::Reach, .back = back, .ahead = ahead};
    }
    /// `rows` >= 1.
    [[nodiscard]] static constexpr Cluster chunk(std::uint32_t rows) {
        return {.rule = Rule::Chunk, .pooling = Pooling::Avg, .back = 0, .ahead = rows - 1};
    }
    /// Rows that a kernel looks at, its own included; of a chunk, its rows.
    [[nodiscard]] constexpr std::uint32_t width() const { return back + 1 + ahead; }
    /// Whether the text decides too, and not the votes alone.
    [[nodiscard]] constexpr bool reads_text() const { return words || stops; }

    bool operator==(const Cluster &) const = default;
};

}  // namespace snapkv
