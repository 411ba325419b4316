#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "kv/arena.h"
#include "kv/head_rows.h"
#include "kv/shape.h"

namespace snapkv::kv {

/// The rows after the frozen segments: generated tokens and further turns, of all layers, at consecutive positions.
/// Grows by blocks, so that nothing already there is copied. A layer that slides gives blocks back that no further
/// query sees. Not thread-safe.
class Tail {
public:
    static constexpr std::uint32_t kBlockRows = 256;

    /// `windows`: of each layer, 0 where it does not slide; none at all: no layer does.
    Tail(Arena & arena, std::vector<LayerShape> shapes, Position first, std::vector<std::uint32_t> windows = {});
    [[nodiscard]] Tail copy() const;
    /// The rows from `row` on as a tail of their own: copies, as far as they are there. Of a sliding layer it may leave
    /// out some that no query from its end on sees.
    [[nodiscard]] Tail copy_from(std::uint32_t row) const;

    [[nodiscard]] Arena & arena() const { return *arena_; }
    [[nodiscard]] std::uint32_t rows() const { return rows_; }
    [[nodiscard]] Position first() const { return first_; }
    [[nodiscard]] Position next() const { return first_ + rows_; }
    [[nodiscard]] const std::vector<LayerShape> & shapes() const { return shapes_; }
    /// Of a layer's sliding window; 0: it does not slide.
    [[nodiscard]] std::uint32_t window(std::uint32_t layer) const { return windows_[layer]; }
    /// The first row of a layer that is still there.
    [[nodiscard]] std::uint32_t first_row(std::uint32_t layer) const { return group_of(layer).gone * kBlockRows; }
    /// The first row of a layer that view() shows.
    [[nodiscard]] std::uint32_t first_seen(std::uint32_t layer) const {
        return std::max(first_row(layer), windows_[layer] == 0 ? unseen_ : 0);
    }

    /// From the next settle() on, layers that do not slide show their last `most` rows only.
    void bound(std::uint32_t most) { most_ = most; }
    /// How many that is; nothing: all.
    [[nodiscard]] const std::optional<std::uint32_t> & most() const { return most_; }
    /// What came last is complete: the rows before the last `most` go out of sight, and their memory with them but for
    /// kBlockRows, which truncate() may need; of a bound of 0 all of it.
    void settle();
    /// Rows that went out of sight by that, over layers and heads.
    [[nodiscard]] std::uint64_t out_of_sight() const;

    /// Makes room for `count` more rows and counts them as present; their contents are written through place(). Rows
    /// that no query from there on sees go, but for kBlockRows, which truncate() may need. Throws Error(Machine), and
    /// is then as before, but for those.
    void append(std::uint32_t count);
    /// Bytes that append() would ask for.
    [[nodiscard]] std::uint64_t append_bytes(std::uint32_t count) const;
    /// Forgets all rows from `rows` on, no fewer than least_rows().
    void truncate(std::uint32_t rows);
    /// The fewest rows after which queries still see all that they should.
    [[nodiscard]] std::uint32_t least_rows() const;
    /// Gives back the rows before `row`, a multiple of kBlockRows, of all layers with a window of `window` (0: that do
    /// not slide). Where there are none yet, the first append() gets no memory for those.
    void give_back(std::uint32_t window, std::uint32_t row);

    /// Where row `row` of a layer lies: consecutive rows up to `count` follow it, head h lies h times the stride on.
    struct Place {
        std::byte * keys = nullptr;
        std::byte * values = nullptr;
        std::size_t key_head_stride = 0;
        std::size_t value_head_stride = 0;
        std::uint32_t count = 0;
    };
    [[nodiscard]] Place place(std::uint32_t layer, std::uint32_t row);

    /// Appends the views of one head's rows, as far as they are there and in sight, to `views`.
    void view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const;
    /// Of those from row `first` on that are there, in sight or not.
    void view_from(std::uint32_t first, std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const;

private:
    /// Layers with the same window, whose rows share blocks.
    struct Group {
        std::uint32_t window = 0;
        std::size_t block_bytes = 0;
        std::uint32_t gone = 0;  ///< blocks that were given back
        std::vector<Block> blocks;
    };
    [[nodiscard]] const Group & group_of(std::uint32_t layer) const { return groups_[places_[layer].group]; }

    /// Where a layer's rows lie.
    struct LayerPlace {
        std::size_t group = 0;
        std::size_t offset = 0;  ///< of its keys within a block
    };
    Arena * arena_;
    std::vector<LayerShape> shapes_;
    std::vector<std::uint32_t> windows_;
    std::vector<LayerPlace> places_;
    std::vector<Group> groups_;
    std::uint32_t rows_ = 0;
    std::optional<std::uint32_t> most_{};
    std::uint32_t unseen_ = 0;  ///< first rows of layers that do not slide that are out of sight
    Position first_;
};

}  // namespace snapkv::kv
