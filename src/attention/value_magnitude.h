#pragma once

#include <cstdint>
#include <span>

#include "attention/unit.h"

namespace snapkv::attention {

/// The largest sum of magnitudes (L1 norm) of a KV head's values at `count` positions from `first` on, of those that
/// the views have; 0 without any. From stored values of any type, in float32, row by row. Once `halt` has stopped, it
/// says nothing.
[[nodiscard]] float largest_value(const kv::LayerShape & shape, std::span<const kv::HeadRows> views,
                                  std::uint32_t first, std::uint32_t count, Halt & halt);

}  // namespace snapkv::attention
