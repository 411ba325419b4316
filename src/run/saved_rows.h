#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/layer_rows.h"
#include "run/saved_reader.h"
#include "run/saved_writer.h"

namespace snapkv::run {

// The rows of one layer in files of ours.

/// Sees to it that each head's positions ascend, from segment to segment too, and end before the tail.
class RowAscent {
public:
    RowAscent(const SavedReader & in, const std::vector<kv::LayerShape> & shapes, std::uint32_t end)
        : in_(in), end_(end) {
        for (const kv::LayerShape & shape : shapes) {
            next_.emplace_back(shape.kv_heads, 0);
        }
    }

    void pass(std::uint32_t layer, std::uint32_t head, std::uint64_t first, std::uint64_t count) {
        std::uint64_t & next = next_[layer][head];
        if (first < next || first + count > end_) {
            in_.refuse("layer {}, KV head {}: a row at position {}, expected {} to {}", layer, head,
                       first < next ? first : first + count - 1, next, std::uint64_t{end_} - 1);
        }
        next = first + count;
    }

    /// No head has more rows than there are positions.
    [[nodiscard]] std::uint32_t most() const { return end_; }

private:
    const SavedReader & in_;
    std::uint32_t end_;
    std::vector<std::vector<std::uint64_t>> next_;  ///< [layer][KV head]: the least position that may come
};

void write_rows(SavedWriter & out, const kv::LayerRows & layer);

/// What write_rows() wrote of a layer of that shape, in the same layout; `layer`: which of those that `ascent` knows.
[[nodiscard]] std::shared_ptr<const kv::LayerRows> read_rows(SavedReader & in, kv::Arena & arena,
                                                             const kv::LayerShape & shape, std::uint32_t layer,
                                                             RowAscent & ascent);

}  // namespace snapkv::run
