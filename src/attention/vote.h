#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "attention/unit.h"
#include "snapkv/cache_config.h"

namespace snapkv::attention {

/// What the observation window votes with: the rotated queries of the prompt's last `window` positions against all n
/// rows. A query at position p sees positions up to p. `prefix` positions from `first` on are voted on; those of the
/// window among them are judged by the queries that see them.
struct VoteInput {
    AttentionSpec spec;
    kv::LayerShape shape;
    const float * queries = nullptr;  ///< [window][heads][key_size], unscaled
    std::uint32_t window = 0;
    std::uint32_t n = 0;       ///< tokens, window included
    std::uint32_t first = 0;   ///< position of the first row that is voted on
    std::uint32_t prefix = 0;  ///< positions that are voted on, at most n
    /// Not Accumulated, which takes column sums (Port::add_column_sums()), Keys (key_differences()), Output
    /// (output_changes()) or None.
    Evidence evidence = Evidence::Mean;
    std::vector<std::vector<kv::HeadRows>> rows;  ///< [KV head]: all that is seen, positions ascending up to n - 1
    Halt * halt = nullptr;
};

/// Floats that a vote leaves for each query head and row: by Evidence::Pivotal a second one, which settles ties.
[[nodiscard]] constexpr std::uint32_t vote_planes(Evidence evidence) {
    return evidence == Evidence::Pivotal ? 2 : 1;
}

/// The vote of one layer (arXiv 2404.14469, section 4): softmax in float32 over all n rows for each query of the
/// window, then for each query head the evidence (the paper's is the mean over the window) of each prefix column. Works
/// from stored K values in float32 whatever attention itself uses, in pieces at fixed boundaries, so that the bits
/// depend neither on the number of threads nor on how the prompt was cut into chunks. Two phases with a barrier
/// between, each called on all threads, then what is left for each KV head.
class Vote {
public:
    /// `votes` receives [plane][KV head][group][prefix] floats, none for a position that no view has. The second plane
    /// of Evidence::Pivotal is the sum of the weights.
    Vote(VoteInput input, std::span<float> votes);

    void statistics();                   ///< phase one: each query row's maximum and sum over each piece
    void columns();                      ///< phase two: the votes
    void finish(std::uint32_t kv_head);  ///< after columns(), on any thread, once: MaxFloor's floor

private:
    /// Rows [begin, end) of one view of one KV head, and the index of their statistics.
    struct Piece {
        std::uint32_t kv_head = 0;
        std::uint32_t view = 0;
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        std::uint32_t index = 0;  ///< among its KV head's pieces
    };
    class Worker;
    [[nodiscard]] std::vector<RowSum> totals(std::uint32_t kv_head) const;
    /// Numbers that a column is gathered in: the largest weights that Evidence::Top4 takes the mean of, a count and a
    /// sum for Evidence::Pivotal, else one.
    [[nodiscard]] std::uint32_t ranks() const {
        return input_.evidence == Evidence::Top4 ? 4 : vote_planes(input_.evidence);
    }
    void count_seen();
    /// The evidence for the row at a position from its gathered numbers, each `stride` after the one before.
    [[nodiscard]] float evidence(std::uint32_t position, const float * gathered, std::size_t stride) const;

    VoteInput input_;
    std::span<float> votes_;
    std::uint32_t query_rows_;         ///< window x group
    std::vector<float> shares_;        ///< Evidence::Recency: the sum of the shares of the last 1, 2, ... voters
    std::vector<std::uint32_t> seen_;  ///< Evidence::Pivotal: [KV head][voter] rows that the voter sees
    std::vector<Piece> pieces_;
    std::vector<std::uint32_t> head_pieces_;  ///< pieces of each KV head
    std::vector<std::vector<RowSum>> sums_;   ///< [KV head][piece x query row]
    std::atomic<std::size_t> next_statistics_{0};
    std::atomic<std::size_t> next_columns_{0};
};

/// Bytes that a vote of a window on `prefix` rows of a prompt of n tokens takes: the votes themselves and, for each KV
/// head, the statistics of its pieces or, by Evidence::Output, its scratch.
[[nodiscard]] std::uint64_t vote_bytes(const AttentionSpec & spec, std::uint32_t n, std::uint32_t prefix,
                                       std::uint32_t window, Evidence evidence = Evidence::Mean);

}  // namespace snapkv::attention
