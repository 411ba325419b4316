#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "snapkv/position.h"

namespace snapkv {

/// A KV head of one layer, whose rows are asked for. Layers that recur have none.
struct HeadToFill {
    std::uint32_t layer = 0;
    std::uint32_t kv_head = 0;
    Position first{};       ///< from which on the layer sees the tokens: 0 unless it slides
    std::uint32_t end = 0;  ///< the number of tokens
    // What the cache configuration would keep of such a prompt.
    std::uint32_t rows = 0;    ///< on average over the layer's heads: all it sees where nothing is compressed
    std::uint32_t sink = 0;    ///< first positions among them
    std::uint32_t recent = 0;  ///< last positions among them
};

/// Rows of one KV head, one after the other: keys as queries meet them, with RoPE applied, `key_size` floats a row, and
/// `value_size` floats a row; no values where they are part of the keys (ModelInfo::values_in_keys).
struct FloatRows {
    std::span<const float> keys;
    std::span<const float> values;
};

/// Where Session::make_sequence() takes rows from. It calls on its caller's thread; what is thrown ends it.
struct RowProvider {
    /// The positions that a head keeps: one or more, ascending, from `first` to before `end`. Called for all heads
    /// before any row is asked for, but for layers that slide, whose heads keep all of them. Null: so do all heads.
    std::function<std::vector<Position>(const HeadToFill & head)> positions = {};
    /// The rows at the positions that a head keeps, in their order and in any number of pieces, some of which may
    /// be the same memory. Called layer by layer and KV head by KV head; what it returns is read until it is called
    /// again. Must not be null.
    std::function<std::vector<FloatRows>(const HeadToFill & head, std::span<const Position> positions)> rows = {};
};

}  // namespace snapkv
