#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/segment.h"
#include "kv/slot_rows.h"
#include "kv/tail.h"

namespace snapkv::kv {

/// All rows of one sequence: frozen segments, which others may share, and behind them the tail, which grows. Positions
/// ascend from the first segment to the tail's end. Not thread-safe.
struct RowStore {
    std::vector<std::shared_ptr<const Segment>> segments;
    Tail tail;
    /// [layer] of a sequence that goes on evicting: its own rows, before the tail's and in no order, where a layer
    /// evicts; such a layer has none in segments. Else empty.
    std::vector<SlotRows> slots{};

    /// The same rows: segments are shared, the others are copied.
    [[nodiscard]] RowStore copy() const;

    [[nodiscard]] const LayerShape & shape(std::uint32_t layer) const { return tail.shapes()[layer]; }
    /// Appends views of all rows of one head to `views`; where they are in slots, positions do not ascend.
    void view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const;
    /// Of all heads of a layer.
    [[nodiscard]] std::vector<std::vector<HeadRows>> views(std::uint32_t layer) const;

    /// The fewest rows to which the tail may be cut: sliding layers still have what queries from there on see.
    [[nodiscard]] std::uint32_t least_rows() const;

    /// The first of the last segments, none of whose rows lie before position `from`, whose place a segment of so many
    /// rows should take, too: so there are never more than some twenty of them, and a row is copied no more often.
    [[nodiscard]] std::size_t first_merged(Position from, std::uint64_t rows) const;
    /// `segment` has what is kept of the segments from `merged` on and of the tail's first `rows` rows, which go: what
    /// follows them is the tail from then on. Rows of sliding layers that no further query sees go too. Throws
    /// Error(Machine), and is then as before.
    void freeze(Arena & arena, std::size_t merged, std::shared_ptr<const Segment> segment, std::uint32_t rows);
};

/// The positions of rows in views, in their order.
[[nodiscard]] std::vector<Position> positions_in(std::span<const HeadRows> views);

}  // namespace snapkv::kv
