#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/segment.h"
#include "kv/tail.h"

namespace snapkv::kv {

/// All rows of one sequence: frozen segments, which others may share, and behind them the tail, which grows. Positions
/// ascend from the first segment to the tail's end. Not thread-safe.
struct RowStore {
    std::vector<std::shared_ptr<const Segment>> segments;
    Tail tail;

    /// The same rows: segments are shared, the tail is copied.
    [[nodiscard]] RowStore copy() const;

    [[nodiscard]] const LayerShape & shape(std::uint32_t layer) const { return tail.shapes()[layer]; }
    /// Appends views of all rows of one head to `views`.
    void view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const;
    /// Of all heads of a layer.
    [[nodiscard]] std::vector<std::vector<HeadRows>> views(std::uint32_t layer) const;

    /// Of the tail's first `rows` rows those at the ascending positions `kept`[layer][KV head] become another segment,
    /// in memory from `arena`; what follows them is the tail from then on. Throws Error(Machine), and is then as
    /// before.
    void freeze(Arena & arena, std::uint32_t rows, std::span<const std::vector<std::vector<std::uint32_t>>> kept);
};

/// The positions of rows in views, in their order.
[[nodiscard]] std::vector<Position> positions_in(std::span<const HeadRows> views);

}  // namespace snapkv::kv
