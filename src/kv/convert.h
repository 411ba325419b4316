#pragma once

#include <cstdint>
#include <span>

#include "kv/layer_rows.h"

namespace snapkv::kv {

/// Fills head `head` of `to`, whose types may be others than those of `from`, with rows out of `views`: packed rows
/// take those at the ascending positions `kept`, dense ones all. Quantised rows stay as they are. Heads may be filled
/// by several threads.
void convert_rows(const LayerShape & from, std::span<const HeadRows> views, std::span<const Position> kept,
                  LayerRows & to, std::uint32_t head);
void convert_rows(const LayerShape & from, std::span<const HeadRows> views, LayerRows & to, std::uint32_t head);

}  // namespace snapkv::kv
