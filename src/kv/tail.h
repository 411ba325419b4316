#pragma once

#include <cstdint>
#include <vector>

#include "kv/arena.h"
#include "kv/head_rows.h"
#include "kv/shape.h"

namespace snapkv::kv {

/// The rows after the frozen segments: generated tokens and further turns, of all layers, at consecutive positions.
/// Grows by blocks, so that nothing already there is copied. Not thread-safe.
class Tail {
public:
    static constexpr std::uint32_t kBlockRows = 256;

    Tail(Arena & arena, std::vector<LayerShape> shapes, Position first);
    [[nodiscard]] Tail copy() const;

    [[nodiscard]] std::uint32_t rows() const { return rows_; }
    [[nodiscard]] Position first() const { return first_; }
    [[nodiscard]] Position next() const { return first_ + rows_; }
    [[nodiscard]] const std::vector<LayerShape> & shapes() const { return shapes_; }

    /// Makes room for `count` more rows and counts them as present; their contents are written through place(). Throws
    /// Error(Machine), and is then as before.
    void append(std::uint32_t count);
    /// Bytes that append() would ask for.
    [[nodiscard]] std::uint64_t append_bytes(std::uint32_t count) const;
    /// Forgets all rows from `rows` on.
    void truncate(std::uint32_t rows);

    /// Where row `row` of a layer lies: consecutive rows up to `count` follow it, head h lies h times the stride on.
    struct Place {
        std::byte * keys = nullptr;
        std::byte * values = nullptr;
        std::size_t key_head_stride = 0;
        std::size_t value_head_stride = 0;
        std::uint32_t count = 0;
    };
    [[nodiscard]] Place place(std::uint32_t layer, std::uint32_t row);

    /// Appends the views of one head's rows to `views`.
    void view(std::uint32_t layer, std::uint32_t head, std::vector<HeadRows> & views) const;

private:
    Arena * arena_;
    std::vector<LayerShape> shapes_;
    std::vector<std::size_t> layer_offsets_;  ///< of a layer's keys within a block
    std::size_t block_bytes_ = 0;
    std::vector<Block> blocks_;
    std::uint32_t rows_ = 0;
    Position first_;
};

}  // namespace snapkv::kv
