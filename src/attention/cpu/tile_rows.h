#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/cpu/carver.h"
#include "attention/cpu/tile_steps.h"
#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// A tile of cache rows of one KV head, packed for the steps; quantised rows go by way of floats, rotated as they lie
/// in the cache. Buffers are carved from a thread's scratch. Refers to what it is made of.
class TileRows {
public:
    TileRows(const TileSteps & steps, const LayerUnit & unit, Carver & carver);

    /// Packs the keys of the view's rows [row, row + rows), at most a tile.
    void pack_keys(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows) const;
    /// Packs the values of these rows to `to`: a tile x padded(value size) elements.
    void pack_values(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows, std::byte * to) const;

    [[nodiscard]] const std::byte * keys() const { return keys_; }
    /// Of the rows whose keys are packed, where there are slopes.
    [[nodiscard]] const float * positions() const { return positions_; }

private:
    [[nodiscard]] StoredRows stored(const std::byte * data, std::uint32_t rows, std::uint32_t size, KvType type,
                                    std::size_t stride) const;

    const TileSteps & steps_;
    const LayerUnit & unit_;
    std::byte * keys_;
    float * positions_;
    float * widened_;  ///< the rows, where those of the cache are quantised
};

}  // namespace snapkv::attention::cpu
