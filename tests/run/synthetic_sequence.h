#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kv/rows.h"
#include "run/saved_codec.h"

namespace snapkv::run::test {

/// A model of two layers that differ in every size.
inline SavedModel small_model() {
    SavedModel model;
    std::iota(model.identity.begin(), model.identity.end(), std::uint8_t{1});
    model.rope.dimensions = 4;
    model.shapes = {{.kv_heads = 3, .key_size = 5, .value_size = 3}, {.kv_heads = 1, .key_size = 4, .value_size = 2}};
    model.state_floats = {0, 3};
    model.vocabulary = 7;
    model.heads = 6;
    return model;
}

inline void mark_row(kv::LayerRows & rows, std::uint32_t layer, std::uint32_t head, std::uint32_t row) {
    kv::test::write_marks(rows.key_row(head, row), rows.value_row(head, row), rows.shape(), layer, head,
                          index_of(rows.head(head).position(row)));
}

inline void mark_all(kv::LayerRows & rows, std::uint32_t layer) {
    for (std::uint32_t head = 0; head < rows.shape().kv_heads; ++head) {
        for (std::uint32_t row = 0; row < rows.head(head).rows; ++row) {
            mark_row(rows, layer, head, row);
        }
    }
}

inline std::shared_ptr<const kv::LayerRows> consecutive_layer(kv::Arena & arena, const kv::LayerShape & shape,
                                                              std::uint32_t layer, std::uint32_t first,
                                                              std::uint32_t count) {
    auto rows = std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena, shape, count, Position{first}));
    rows->set_rows(count);
    mark_all(*rows, layer);
    return rows;
}

inline std::shared_ptr<const kv::LayerRows> listed_layer(kv::Arena & arena, const kv::LayerShape & shape,
                                                         std::uint32_t layer,
                                                         std::vector<std::vector<Position>> positions) {
    auto rows = std::make_shared<kv::LayerRows>(kv::LayerRows::packed_empty(arena, shape, std::move(positions)));
    mark_all(*rows, layer);
    return rows;
}

inline void mark_tail(kv::Tail & tail) {
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        const kv::LayerShape & shape = tail.shapes()[layer];
        for (std::uint32_t row = 0; row < tail.rows(); ++row) {
            const kv::Tail::Place place = tail.place(layer, row);
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                kv::test::write_marks(place.keys + head * place.key_head_stride,
                                      place.values + head * place.value_head_stride, shape, layer, head,
                                      index_of(tail.first()) + row);
            }
        }
    }
}

/// Rows 0 to 3 consecutive, then a segment of ragged heads (one of them empty), then the tail, then a pending token.
inline Sequence::Impl small_sequence(const std::shared_ptr<kv::Arena> & arena, std::uint32_t tail_rows,
                                     KvType first_type = KvType::F16, KvType second_type = KvType::F16) {
    constexpr std::uint32_t kTailFirst = 20;
    std::vector<kv::LayerShape> shapes = small_model().shapes;
    shapes[0].type = first_type;
    shapes[0].rotated = false;
    shapes[1].type = second_type;
    auto first = std::make_shared<kv::Segment>();
    auto second = std::make_shared<kv::Segment>();
    first->add_layer(consecutive_layer(*arena, shapes[0], 0, 0, 4));
    first->add_layer(consecutive_layer(*arena, shapes[1], 1, 0, 4));
    second->add_layer(listed_layer(*arena, shapes[0], 0,
                                   {{Position{4}, Position{9}, Position{19}}, {}, {Position{18}, Position{19}}}));
    second->add_layer(listed_layer(*arena, shapes[1], 1, {{Position{5}}}));
    kv::Tail tail(*arena, shapes, Position{kTailFirst});
    tail.append(tail_rows);
    mark_tail(tail);

    kv::RecurrentState state(*arena, small_model().state_floats);
    std::iota(state.of(1), state.of(1) + state.floats(1), 0.5F);

    CacheStats stats;
    stats.config = {.policy = Policy::SnapKV,
                    .budget = {Budget::Unit::Percent, 12.5},
                    .window = 3,
                    .recent = 2,
                    .sink = 1,
                    .type = first_type,
                    .rotate = false};
    stats.compressed = true;
    stats.reason = "a reason (of 2 words)";
    stats.budget = 8;
    stats.window = 3;
    stats.recent = 2;
    stats.sink = 3;
    stats.evidence = Evidence::Top4;
    stats.group = GroupReduce::Sum;
    stats.cluster = {
        .rule = Cluster::Rule::Reach, .pooling = Pooling::Avg, .back = 1, .ahead = 4, .words = true, .stops = true};
    stats.allocation = Allocation::Heads;
    stats.window_cuts_question = true;
    stats.rows_full = std::uint64_t{1} << 40U;
    stats.rows_kept = 22;
    stats.rows_per_head = {4, 5, 6};
    stats.bytes_full = 333;
    stats.bytes_kept = 44;

    std::vector<Token> tokens(kTailFirst + tail_rows + 1);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = static_cast<Token>(i * i % 7);
    }
    return {.model = nullptr,
            .arena = arena,
            .tokens = std::move(tokens),
            .prompt_tokens = kTailFirst,
            .stats = std::move(stats),
            .rows = {{std::move(first), std::move(second)}, std::move(tail)},
            .state = std::move(state),
            .logits = {0.5F, -1.25F, 1e-30F, -0.0F, 3, 4, -1e30F},
            .prompt_logits = tail_rows == 2 ? std::vector<float>{1, 2, 3, 4, 5, 6, 7} : std::vector<float>(),
            .pending = true};
}

inline std::vector<std::byte> encoded(const SavedModel & model, const Sequence::Impl & sequence) {
    std::vector<std::byte> bytes;
    encode_sequence(model, sequence,
                    [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    return bytes;
}

}  // namespace snapkv::run::test
