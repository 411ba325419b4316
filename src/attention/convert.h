#pragma once

#include <cstdint>
#include <span>

#include "kv/layer_rows.h"

namespace snapkv::attention {

/// Fills head `head` of `to`, whose types may be others than those of `from`, with rows out of `views`: packed rows
/// take those at the ascending positions `kept`, dense ones all. Heads may be filled by several threads.
void convert_rows(const kv::LayerShape & from, std::span<const kv::HeadRows> views, std::span<const std::uint32_t> kept,
                  kv::LayerRows & to, std::uint32_t head);
void convert_rows(const kv::LayerShape & from, std::span<const kv::HeadRows> views, kv::LayerRows & to,
                  std::uint32_t head);

}  // namespace snapkv::attention
