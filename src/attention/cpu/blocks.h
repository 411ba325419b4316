#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "attention/cpu/tile.h"
#include "attention/unit.h"
#include "kv/rotate.h"

/// What attention over few and over many query rows share.
namespace snapkv::attention::cpu {

/// What each query row of a block sees of one view, and the union of it.
struct Visible {
    std::array<std::uint32_t, kQueryRows> begin{};
    std::array<std::uint32_t, kQueryRows> end{};
    std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t last = 0;
};

[[nodiscard]] inline Visible visible_rows(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t first,
                                          std::uint32_t count, const kv::HeadRows & view) {
    Visible visible;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t position = index_of(span.position((first + i) / spec.group()));
        const bool cut = spec.sliding_window > 0 && position >= spec.sliding_window;
        visible.begin[i] = cut ? view.count_up_to(Position{position - spec.sliding_window}) : 0;
        visible.end[i] = view.count_up_to(Position{position});
        visible.first = std::min(visible.first, visible.begin[i]);
        visible.last = std::max(visible.last, visible.end[i]);
    }
    return visible;
}

/// ALiBi of a block of query rows.
struct Slopes {
    std::array<float, kQueryRows> slopes{};
    std::array<float, kQueryRows> positions{};
};

[[nodiscard]] inline Slopes slopes_of(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t kv_head,
                                      std::uint32_t first, std::uint32_t count) {
    Slopes result;
    for (std::uint32_t i = 0; i < count; ++i) {
        result.slopes[i] = spec.slope(kv_head * spec.group() + (first + i) % spec.group());
        result.positions[i] = static_cast<float>(index_of(span.position((first + i) / spec.group())));
    }
    return result;
}

using Kernel = void (*)(const Tile &, const Partial &, float *);

/// Runs `kernel` over the tiles of view rows [begin, end), `step` rows each, that any of the query rows sees.
inline void for_tiles(const LayerUnit & unit, const kv::HeadRows & view, const Visible & visible, std::uint32_t begin,
                      std::uint32_t end, Tile tile, const Partial & partial, float * scratch, Kernel kernel,
                      std::uint32_t step = kTile) {
    std::array<std::uint32_t, kQueryRows> from{};
    std::array<std::uint32_t, kQueryRows> to{};
    std::array<float, kTile> positions{};
    tile.begin = from.data();
    tile.end = to.data();
    tile.positions = positions.data();
    if (visible.first > begin) {
        begin += (visible.first - begin) / step * step;  // where tiles begin does not depend on who looks
    }
    end = std::min(end, visible.last);
    for (std::uint32_t row = begin; row < end && !unit.stopped(); row += step) {
        tile.rows = std::min(step, end - row);
        tile.keys = view.keys + row * unit.shape.key_bytes();
        tile.values = view.values + row * unit.shape.value_stride();
        for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
            from[q] = std::clamp(visible.begin[q], row, row + tile.rows) - row;
            to[q] = std::clamp(visible.end[q], row, row + tile.rows) - row;
        }
        for (std::uint32_t r = 0; r < tile.rows && tile.slopes != nullptr; ++r) {
            positions[r] = static_cast<float>(index_of(view.position(row + r)));
        }
        kernel(tile, partial, scratch);
    }
}

/// The partial result that lies in `memory`.
[[nodiscard]] inline Partial partial_in(float * memory, std::size_t value_stride) {
    return {memory, memory + kQueryRows, memory + std::size_t{2} * kQueryRows, value_stride};
}

/// A partial result in `memory` that has seen nothing.
[[nodiscard]] inline Partial empty_partial(float * memory, std::uint32_t rows, std::size_t value_stride) {
    const Partial partial = partial_in(memory, value_stride);
    std::fill_n(partial.maximum, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(partial.sum, rows, 0.0F);
    std::fill_n(partial.values, rows * value_stride, 0.0F);
    return partial;
}

/// The output of flattened query row `i`.
[[nodiscard]] inline float * output_row(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t kv_head,
                                        std::uint32_t i, float * out) {
    const std::size_t row = span.row + i / spec.group();
    const std::size_t head = std::size_t{kv_head} * spec.group() + i % spec.group();
    return out + (row * spec.heads + head) * spec.value_size;
}

/// values / sum becomes the output of flattened query row `i`; zero where nothing was seen.
inline void write_output(const LayerUnit & unit, const QuerySpan & span, std::uint32_t kv_head, std::uint32_t i,
                         const float * values, float sum, float * out) {
    float * to = output_row(unit.spec, span, kv_head, i, out);
    const float factor = sum > 0 ? 1.0F / sum : 0.0F;
    std::transform(values, values + unit.spec.value_size, to, [&](float x) { return x * factor; });
    if (is_quantised(unit.shape.type.value)) {
        kv::rotate(to, unit.spec.value_size, kv::value_rotation(unit.shape));
    }
}

}  // namespace snapkv::attention::cpu
