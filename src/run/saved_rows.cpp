#include "run/saved_rows.h"

#include <span>
#include <utility>

#include "run/saved_fields.h"

namespace snapkv::run {

namespace {

/// Every head has the same rows, at positions that follow one another.
bool is_consecutive(const kv::LayerRows & layer) {
    const kv::HeadRows first = layer.head(0);
    for (std::uint32_t head = 0; head < layer.shape().kv_heads; ++head) {
        const kv::HeadRows rows = layer.head(head);
        if (rows.positions != nullptr || rows.rows != first.rows || rows.first != first.first) {
            return false;
        }
    }
    return true;
}

void fill_rows(SavedReader & in, kv::LayerRows & rows) {
    const kv::LayerShape & shape = rows.shape();
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        const std::size_t count = rows.head(head).rows;
        in.fill("keys", rows.key_row(head, 0), count * shape.key_bytes());
        in.fill("values", rows.value_row(head, 0), count * shape.value_bytes());
    }
}

kv::LayerRows read_consecutive(SavedReader & in, kv::Arena & arena, const kv::LayerShape & shape, std::uint32_t layer,
                               RowAscent & ascent) {
    std::uint32_t count = 0;
    std::uint32_t first = 0;
    in.number("rows", count);
    in.number("first position", first);
    for (std::uint32_t head = 0; head < shape.kv_heads && count > 0; ++head) {
        ascent.pass(layer, head, first, count);
    }
    in.expect("rows", count, std::uint64_t{shape.kv_heads} * shape.row_bytes());
    kv::LayerRows rows = kv::LayerRows::dense(arena, shape, count, Position{first});
    rows.set_rows(count);
    return rows;
}

kv::LayerRows read_listed(SavedReader & in, kv::Arena & arena, const kv::LayerShape & shape, std::uint32_t layer,
                          RowAscent & ascent) {
    const auto counts = in.array<std::uint32_t>("rows", shape.kv_heads);
    std::vector<std::vector<Position>> positions(shape.kv_heads);
    std::uint64_t total = 0;
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        if (counts[head] > ascent.most()) {
            in.refuse("layer {}, KV head {}: {} rows, expected at most {}", layer, head, counts[head], ascent.most());
        }
        positions[head] = in.array<Position>("positions", counts[head]);
        for (const Position position : positions[head]) {
            ascent.pass(layer, head, index_of(position), 1);
        }
        total += counts[head];
    }
    in.expect("rows", total, shape.row_bytes());
    return kv::LayerRows::packed_empty(arena, shape, std::move(positions));
}

}  // namespace

void write_rows(SavedWriter & out, const kv::LayerRows & layer) {
    const kv::LayerShape & shape = layer.shape();
    const bool listed = shape.kv_heads == 0 || !is_consecutive(layer);
    out.choice("layout", listed, kLayoutNames);
    if (listed) {
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            out.number("rows", layer.head(head).rows);
        }
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const kv::HeadRows rows = layer.head(head);
            out.array(std::span(rows.positions, rows.rows));
        }
    } else {
        out.number("rows", layer.head(0).rows);
        out.number("first position", layer.head(0).first);
    }
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        const kv::HeadRows rows = layer.head(head);
        out.bytes(rows.keys, rows.rows * shape.key_bytes());
        out.bytes(rows.values, rows.rows * shape.value_bytes());
    }
}

std::shared_ptr<const kv::LayerRows> read_rows(SavedReader & in, kv::Arena & arena, const kv::LayerShape & shape,
                                               std::uint32_t layer, RowAscent & ascent) {
    bool listed = false;
    in.choice("layout", listed, kLayoutNames);
    auto rows = std::make_shared<kv::LayerRows>(listed ? read_listed(in, arena, shape, layer, ascent)
                                                       : read_consecutive(in, arena, shape, layer, ascent));
    fill_rows(in, *rows);
    return rows;
}

}  // namespace snapkv::run
