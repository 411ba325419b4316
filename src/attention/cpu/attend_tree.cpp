#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "attention/cpu/attend.h"
#include "attention/cpu/blocks.h"
#include "attention/cpu/chain_view.h"
#include "attention/cpu/row_kernel.h"

namespace snapkv::attention::cpu {

namespace {

/// Less than a tile of the sequence's rows, and a path's.
constexpr std::uint32_t kMostGathered = kTile + TokenTree::kMost;

/// Rows one after the other from `keys` and `values` on; where values lie in keys these are the same.
class Gathered {
public:
    Gathered(const kv::LayerShape & shape, std::byte * memory)
        : shape_(shape),
          keys_(memory),
          values_(shape.values_in_keys ? memory : memory + kMostGathered * shape.key_bytes()) {}

    void add(const kv::HeadRows & from, std::uint32_t row, std::uint32_t count) {
        assert(rows_ + count <= kMostGathered);
        std::memcpy(keys_ + rows_ * shape_.key_bytes(), from.keys + row * shape_.key_bytes(),
                    count * shape_.key_bytes());
        if (!shape_.values_in_keys) {
            std::memcpy(values_ + rows_ * shape_.value_bytes(), from.values + row * shape_.value_bytes(),
                        count * shape_.value_bytes());
        }
        rows_ += count;
    }
    [[nodiscard]] kv::HeadRows view(Position first) const {
        return {.keys = keys_, .values = values_, .rows = rows_, .first = first};
    }

private:
    const kv::LayerShape & shape_;
    std::byte * keys_;
    std::byte * values_;
    std::uint32_t rows_ = 0;
};

}  // namespace

std::size_t gathered_bytes(const kv::LayerShape & shape) {
    return kMostGathered * shape.row_bytes();
}

void Attend::attend_paths(const Few & few, const ChainView & view, const Range & rows, const Tile & tile,
                          const Partial & partial, float * scratch) const {
    const QuerySpan & span = unit_->queries[few.span];
    const AttentionSpec & spec = unit_->spec;
    const kv::HeadRows & of_tree = span.tree->rows[few.kv_head];
    const std::uint32_t own = std::min(view.rows.rows, rows.end);
    assert(view.rows.positions == nullptr && view.rows.first + (view.rows.rows - view.path_from) == span.first);
    for (std::uint32_t i = 0, count = 0; i < few.rows; i += count) {
        const std::uint32_t token = (few.first + i) / spec.group();
        count = std::min(few.rows - i, (token + 1) * spec.group() - (few.first + i));
        Gathered gathered(unit_->shape, reinterpret_cast<std::byte *>(scratch + thread_floats() - gathered_floats_));
        if (rows.begin < own) {
            gathered.add(view.rows, rows.begin, own - rows.begin);
        }
        const std::span<const std::uint32_t> path = span.tree->tree->path(token);
        for (std::uint32_t row = std::max(own, rows.begin); row < rows.end; ++row) {
            const std::uint32_t at = view.path_from + row - view.rows.rows;
            if (at < path.size()) {
                gathered.add(of_tree, path[at], 1);
            }
        }
        const kv::HeadRows chain = gathered.view(view.rows.first + rows.begin);
        Tile of_token = tile;
        of_token.queries += i * padded(spec.key_size);
        of_token.query_rows = count;
        of_token.query_positions += i;
        of_token.slopes = tile.slopes == nullptr ? nullptr : tile.slopes + i;
        const Partial of_partial{partial.maximum + i, partial.sum + i, partial.values + i * partial.value_stride,
                                 partial.value_stride};
        for_tiles(*unit_, chain, visible_rows(spec, span, few.first + i, count, chain), 0, chain.rows, of_token,
                  of_partial, scratch, attend_rows, tile_rows(unit_->shape));
    }
}

}  // namespace snapkv::attention::cpu
