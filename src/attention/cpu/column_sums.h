#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attention/cpu/tile_steps.h"
#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// The column sums of one unit (Port::add_column_sums()): a second product of queries and keys by the prefill's own
/// steps, tile by tile. A tile's columns are one piece of work, on whichever thread, to which the chunk's queries are
/// added one by one in ascending positions: so nothing is merged, and the bits depend neither on threads nor on how a
/// prompt is cut into chunks. Float32 is enough: the error of n additions is at most n x 6e-8 of the sum, and as a rule
/// its root. prepare(), then add() once on each thread.
class ColumnSums {
public:
    /// Allocates nothing once its vectors have grown.
    void prepare(const LayerUnit & unit);

    /// Floats of scratch that each thread needs; 0 where no span asks for sums.
    [[nodiscard]] std::size_t thread_floats() const;

    /// `q` [row][head][key_size]; `scratch` this thread's, aligned to 64 bytes. Ends early when the unit is stopped:
    /// asked once a tile.
    void add(const float * q, float * scratch);

private:
    /// Rows [row, row + rows) of one view of a span's KV head.
    struct Tile {
        std::uint32_t span = 0;
        std::uint32_t kv_head = 0;
        std::uint32_t view = 0;
        std::uint32_t row = 0;
        std::uint32_t rows = 0;
    };
    class Worker;

    const LayerUnit * unit_ = nullptr;
    const TileSteps * steps_ = nullptr;
    std::vector<Tile> tiles_;
    std::atomic<std::size_t> next_{0};
};

}  // namespace snapkv::attention::cpu
