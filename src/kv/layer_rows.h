#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kv/arena.h"
#include "kv/head_rows.h"
#include "kv/shape.h"
#include "snapkv/position.h"

namespace snapkv::kv {

/// The K/V rows of one layer for all its KV heads, in one block. Two layouts:
/// dense - every head has the same rows at consecutive positions, written one after the other (a working copy);
/// packed - each head has rows of its own, each with its original position (what a compaction leaves).
/// Not thread-safe while it is written; read-only access is.
class LayerRows {
public:
    /// Room for `capacity` rows from position `first`; memory is touched only as rows are written.
    static LayerRows dense(Arena & arena, const LayerShape & shape, std::uint32_t capacity, Position first);

    /// Bytes of `rows` rows of each head, dense or packed.
    [[nodiscard]] static std::uint64_t dense_bytes(const LayerShape & shape, std::uint32_t rows);

    /// Copies, for each KV head, the rows at `kept[head]` (ascending) out of `sources[head]`, whose views together
    /// hold those positions in ascending order.
    static LayerRows packed(Arena & arena, const LayerShape & shape, std::span<const std::vector<HeadRows>> sources,
                            std::span<const std::vector<Position>> kept);

    /// Packed rows at the positions `kept[head]` (ascending), to be filled through key_row() and value_row().
    static LayerRows packed_empty(Arena & arena, const LayerShape & shape, std::vector<std::vector<Position>> kept);

    /// Packed only, where nobody else has these rows: lets go of all but those at `kept[head]` (ascending, each among
    /// the head's positions), which move together in the memory that they have, and gives back the rest of it.
    void keep(std::vector<std::vector<Position>> kept);

    /// Dense only: the first `rows` of these, in the same memory.
    [[nodiscard]] LayerRows prefix(std::uint32_t rows) const;

    /// They are not of sizes alone (see Meter).
    [[nodiscard]] bool in_memory() const { return block_->data() != nullptr; }
    [[nodiscard]] bool is_packed() const { return !dense_; }
    [[nodiscard]] const LayerShape & shape() const { return shape_; }
    [[nodiscard]] HeadRows head(std::uint32_t head) const;
    [[nodiscard]] std::uint64_t total_rows() const;  ///< over all heads

    /// Dense only: how many rows are valid. Rows are written before they are declared valid.
    void set_rows(std::uint32_t rows) { rows_ = rows; }
    [[nodiscard]] std::uint32_t rows() const { return rows_; }
    [[nodiscard]] Position first() const { return first_; }
    [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

    [[nodiscard]] std::byte * key_row(std::uint32_t head, std::uint32_t row);
    [[nodiscard]] std::byte * value_row(std::uint32_t head, std::uint32_t row);

private:
    struct Head {
        std::size_t keys = 0;    ///< offset in the block
        std::size_t values = 0;  ///< offset in the block
        std::vector<Position> positions;
    };
    LayerShape shape_;
    std::shared_ptr<Block> block_;  ///< prefixes share it
    std::vector<Head> heads_;
    bool dense_ = false;
    std::uint32_t capacity_ = 0;
    std::uint32_t rows_ = 0;
    Position first_{};
};

}  // namespace snapkv::kv
