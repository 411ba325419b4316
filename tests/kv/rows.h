#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kv/head_rows.h"
#include "kv/layer_rows.h"
#include "kv/shape.h"
#include "kv/tail.h"

namespace snapkv::kv::test {

/// A byte that tells layer, head, position, key or value, and place within the row apart.
inline std::byte mark(std::uint32_t layer, std::uint32_t head, std::uint32_t position, bool value, std::size_t at) {
    const std::size_t mixed = at * 167 + position * 31 + head * 101 + layer * 59 + (value ? 127 : 0);
    return static_cast<std::byte>((mixed ^ (mixed >> 8U)) & 0xffU);
}

inline void write_marks(std::byte * keys, std::byte * values, const LayerShape & shape, std::uint32_t layer,
                        std::uint32_t head, std::uint32_t position) {
    for (std::size_t at = 0; at < shape.key_bytes(); ++at) {
        keys[at] = mark(layer, head, position, false, at);
    }
    for (std::size_t at = 0; at < shape.value_bytes(); ++at) {
        values[at] = mark(layer, head, position, true, at);
    }
}

/// Whether row `row` of the view carries the marks of `position`.
inline bool has_marks(const HeadRows & view, const LayerShape & shape, std::uint32_t layer, std::uint32_t head,
                      std::uint32_t row, std::uint32_t position) {
    std::vector<std::byte> keys(shape.key_bytes());
    std::vector<std::byte> values(shape.value_bytes());
    write_marks(keys.data(), values.data(), shape, layer, head, position);
    return std::memcmp(view.keys + row * keys.size(), keys.data(), keys.size()) == 0 &&
           std::equal(values.begin(), values.end(), view.values + row * shape.value_stride()) &&
           (!shape.values_in_keys || view.values == view.keys);
}

/// Dense rows of layer 0 at positions first, first + 1, ..., all marked.
inline LayerRows marked_rows(Arena & arena, const LayerShape & shape, std::uint32_t capacity, std::uint32_t first,
                             std::uint32_t rows) {
    LayerRows layer = LayerRows::dense(arena, shape, capacity, Position{first});
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        for (std::uint32_t row = 0; row < rows; ++row) {
            write_marks(layer.key_row(head, row), layer.value_row(head, row), shape, 0, head, first + row);
        }
    }
    layer.set_rows(rows);
    return layer;
}

/// Appends rows and marks them, run by run as place() hands them out.
inline void append_marked(Tail & tail, std::uint32_t count) {
    const std::uint32_t before = tail.rows();
    tail.append(count);
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        const LayerShape & shape = tail.shapes()[layer];
        std::uint32_t row = before;
        while (row < tail.rows()) {
            const Tail::Place place = tail.place(layer, row);
            const std::uint32_t run = std::min(place.count, tail.rows() - row);
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                for (std::uint32_t i = 0; i < run; ++i) {
                    write_marks(place.keys + head * place.key_head_stride + i * shape.key_bytes(),
                                place.values + head * place.value_head_stride + i * shape.value_stride(), shape, layer,
                                head, index_of(tail.first()) + row + i);
                }
            }
            row += run;
        }
    }
}

}  // namespace snapkv::kv::test
