#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "attention/spec.h"
#include "attention/token_tree.h"
#include "base/halt.h"
#include "kv/head_rows.h"
#include "kv/shape.h"
#include "snapkv/position.h"

namespace snapkv::attention {

/// The rows of tokens that continue a sequence as a tree. They are not among the sequence's: each token is to see those
/// of its path as if they followed there, one after the other.
struct TreeRows {
    const TokenTree * tree = nullptr;  ///< of all layers; must outlive the unit
    std::vector<kv::HeadRows> rows;    ///< [KV head], in the tokens' order; what they say of positions does not count
    /// So many rows would follow in the sequence's last view, which then has consecutive positions; further ones begin
    /// another view.
    std::uint32_t room = 0;
};

/// The softmax of a query row over the rows that it sees, before it is divided: the sum of 2^(x - reference) over its
/// logits x to base 2 (times log2 e), the sink's part included. The reference is the greatest logit or a little less.
struct RowSum {
    float reference = -std::numeric_limits<float>::infinity();  ///< so where nothing is seen
    float sum = 0;
};

/// Query rows of one sequence: rows [row, row + count) of a chunk, at positions first, first + 1, ... A query at
/// position p sees the rows at positions up to p. Those of a tree, one a token, are at `first` and the token's depth;
/// each sees all the sequence's rows and those of its path.
struct QuerySpan {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    Position first{};
    /// For each KV head the views it attends to, in ascending positions.
    std::vector<std::vector<kv::HeadRows>> rows;
    std::optional<TreeRows> tree = {};
    /// [count][head]: receives each query row's softmax; null where nobody asks, as outside a prefill.
    RowSum * row_sums = nullptr;
    /// [head][column_stride] by position: Port::add_column_sums() adds to it what each cache row gets of the span's
    /// queries; null where nobody asks. No other span's of the unit. Needs row_sums.
    float * column_sums = nullptr;
    std::size_t column_stride = 0;

    /// Of the span's query row `query`.
    [[nodiscard]] Position position(std::uint32_t query) const {
        return first + (tree ? tree->tree->depth(query) : query);
    }
};

/// Chunk rows whose keys and values go to consecutive cache rows; head h lies h strides further.
struct StoreSpan {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    std::byte * keys = nullptr;
    std::byte * values = nullptr;
    std::size_t key_head_stride = 0;    ///< bytes
    std::size_t value_head_stride = 0;  ///< bytes
};

/// Chunk rows whose rotated queries are copied to `queries` ([row][head][key_size] floats) for the vote.
struct CaptureSpan {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    float * queries = nullptr;
};

/// All that one layer does with one chunk: a list of spans, never "the" sequence. Rows in no span are padding: their
/// output is zero. Filled before the graph runs; the same graph serves any contents.
struct LayerUnit {
    AttentionSpec spec;
    kv::LayerShape shape;
    std::vector<StoreSpan> stores;
    std::vector<CaptureSpan> captures;
    std::vector<QuerySpan> queries;
    /// Every span takes the kernel of many query rows, however few it has, so that its bits do not depend on how a
    /// prompt was cut into chunks.
    bool prefill = false;
    Halt * halt = nullptr;  ///< polled once a tile; may be null

    /// Some span asks for column sums.
    [[nodiscard]] bool sums_columns() const {
        return std::any_of(queries.begin(), queries.end(),
                           [](const QuerySpan & span) { return span.column_sums != nullptr; });
    }
    [[nodiscard]] bool stopped() const { return halt != nullptr && halt->stopped(); }
};

}  // namespace snapkv::attention
