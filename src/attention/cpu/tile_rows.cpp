#include "attention/cpu/tile_rows.h"

#include <algorithm>

#include "attention/cpu/tile.h"
#include "kv/row_codec.h"

namespace snapkv::attention::cpu {

TileRows::TileRows(const TileSteps & steps, const LayerUnit & unit, Carver & carver)
    : steps_(steps),
      unit_(unit),
      keys_(carver.bytes(steps.tile * padded(unit.spec.key_size) * steps.element)),
      positions_(carver.floats(unit.spec.alibi_slopes.empty() ? 0 : steps.tile)),
      widened_(carver.floats(std::size_t{steps.tile} * std::max(unit.spec.key_size, unit.spec.value_size))) {}

void TileRows::pack_keys(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows) const {
    const kv::LayerShape & shape = unit_.shape;
    steps_.pack_keys(
        stored(view.keys + row * shape.key_bytes(), rows, shape.key_size, shape.type.key, shape.key_bytes()), keys_);
    for (std::uint32_t i = 0; i < rows && !unit_.spec.alibi_slopes.empty(); ++i) {
        positions_[i] = static_cast<float>(index_of(view.position(row + i)));
    }
}

void TileRows::pack_values(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows, std::byte * to) const {
    const kv::LayerShape & shape = unit_.shape;
    steps_.pack_values(stored(view.values + row * shape.value_stride(), rows, shape.value_size, shape.type.value,
                              shape.value_stride()),
                       to);
}

/// Rows `stride` bytes apart as they lie in the cache; quantised ones as floats.
StoredRows TileRows::stored(const std::byte * data, std::uint32_t rows, std::uint32_t size, KvType type,
                            std::size_t stride) const {
    if (!is_quantised(type)) {
        return {data, rows, size, type, stride};
    }
    for (std::uint32_t row = 0; row < rows; ++row) {
        kv::dequantise(data + row * stride, size, type, widened_ + std::size_t{row} * size);
    }
    return {reinterpret_cast<const std::byte *>(widened_), rows, size, KvType::F32, size * sizeof(float)};
}

}  // namespace snapkv::attention::cpu
