#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "attention/unit.h"

namespace snapkv::attention::portable {

/// Rows [begin, end) of a view.
struct Piece {
    kv::HeadRows view;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool of_tree = false;  ///< one a token of a tree; the tree knows their positions

    [[nodiscard]] std::uint32_t rows() const { return end - begin; }
};

/// Consecutive queries of a span: chunk rows [row, row + count) at positions first, first + 1, ..., or those of a tree
/// from token `token` on, behind a sequence whose next position is `first`.
struct QueryBlock {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    Position first{};
    const TokenTree * tree = nullptr;
    std::uint32_t token = 0;

    [[nodiscard]] Position position(std::uint32_t query) const {
        return first + (tree != nullptr ? tree->depth(token + query) : query);
    }
};

/// A block of queries of one KV head and the cache rows that any of them sees, in ascending positions.
struct HeadBlock {
    QueryBlock queries;
    std::vector<Piece> pieces{};
    std::uint32_t rows = 0;  ///< of all pieces
};

/// What one node may take. It runs to its end once begun: with these a run still ends within a second.
struct Limits {
    std::uint64_t flops = 20'000'000'000;
    std::uint64_t mask_bytes = std::uint64_t{64} << 20;
};

/// How a span is cut: `rows` queries a block, `heads` query heads of a group a node.
struct Cut {
    std::uint32_t rows = 0;
    std::uint32_t heads = 0;
};

/// ggml widens float16 rows to float32 from this many queries on; below, it rounds queries and sums to float16.
inline constexpr std::uint32_t kTileQueries = 64;

/// The rows of `view` that a query at `position` sees.
[[nodiscard]] Piece visible(const AttentionSpec & spec, const kv::HeadRows & view, Position position);

/// How far the row of a tree's token `token` lies before a block's query; nothing where the query does not see it.
[[nodiscard]] std::optional<std::uint32_t> distance_in_tree(const AttentionSpec & spec, const QueryBlock & queries,
                                                            std::uint32_t query, std::uint32_t token);

/// Queries [begin, begin + count) of a span and what they see with one KV head.
[[nodiscard]] HeadBlock head_block(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t begin,
                                   std::uint32_t count, std::uint32_t kv_head);

/// True if both see rows at the same positions, as far as can be told without reading them all: one mask serves both.
[[nodiscard]] bool same_rows(const HeadBlock & a, const HeadBlock & b);

/// The cut of `queries` queries over `cache_rows` rows: nodes within the limits, and then blocks of at least
/// kTileQueries queries where that can be had. One query of one head is never cut.
[[nodiscard]] Cut cut_span(const AttentionSpec & spec, const Limits & limits, std::uint32_t queries,
                           std::uint32_t cache_rows);

/// One span, cut: its blocks in ascending rows, [block][KV head].
struct SpanPlan {
    Cut cut;
    std::vector<std::vector<HeadBlock>> blocks;
};
[[nodiscard]] SpanPlan plan_span(const AttentionSpec & spec, const Limits & limits, const QuerySpan & span);

}  // namespace snapkv::attention::portable
