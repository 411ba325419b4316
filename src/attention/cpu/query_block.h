#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cpu/carver.h"
#include "attention/cpu/tile_rows.h"
#include "attention/cpu/tile_steps.h"
#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// Query rows of one KV head, flattened: row i is that of token i / group and of the group's head i % group.
struct RowRange {
    std::uint32_t kv_head = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

/// Query rows of a span on their way over tiles: packed, with what they see of a view, and their logits. A row's logits
/// depend on nothing but that row and the tile. Buffers are carved from a thread's scratch. Refers to what it is made
/// of.
class QueryBlock {
public:
    QueryBlock(const TileSteps & steps, const LayerUnit & unit, const QuerySpan & span, const RowRange & range,
               Carver & carver);

    /// With padding to whole steps.
    [[nodiscard]] std::uint32_t rows() const { return rows_; }
    [[nodiscard]] std::uint32_t token(std::uint32_t i) const { return (range_.first + i) / unit_.spec.group(); }
    [[nodiscard]] std::uint32_t head(std::uint32_t i) const {
        return range_.kv_head * unit_.spec.group() + (range_.first + i) % unit_.spec.group();
    }

    /// `q` [row][head][key_size], from the span's first row on.
    void pack(const float * q) const;

    /// Rows [first, last) of a view.
    struct Range {
        std::uint32_t first;
        std::uint32_t last;
    };
    /// Notes which rows of the view each query row sees; returns the union.
    [[nodiscard]] Range see(const kv::HeadRows & view) const;

    /// A strip of the block from query row `first` on, and what it sees of the tile of the view's rows
    /// [row, row + rows): no columns where that is nothing. Its softmax is left to the caller.
    [[nodiscard]] Strip strip(std::uint32_t first, std::uint32_t row, std::uint32_t rows) const;
    /// The strip's logits against the tile whose keys are packed, with soft cap and slopes.
    void multiply(const Strip & strip, std::uint32_t first, const TileRows & tile) const;

private:
    const TileSteps & steps_;
    const LayerUnit & unit_;
    const QuerySpan & span_;
    RowRange range_;
    std::uint32_t rows_;
    std::byte * queries_;
    float * logits_;
    std::uint32_t * begin_;  ///< what each query row sees of the view
    std::uint32_t * end_;
    std::uint32_t * tile_begin_;  ///< and of the tile
    std::uint32_t * tile_end_;
    float * rotated_;  ///< a row of queries, where keys are quantised
};

}  // namespace snapkv::attention::cpu
