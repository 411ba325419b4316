#pragma once

#include <cstdint>
#include <span>

#include "attention/unit.h"

namespace snapkv::attention {

/// How little each of a KV head's keys resembles the others: 1 - cos(k, anchor), where the anchor is the mean of all
/// keys at length 1 (KeyDiff, arXiv 2504.15364). No query is looked at. `votes` receives the numbers of the positions
/// from `first` on, and keeps what it has for those that no view has. From stored keys of a float type, in double
/// precision, row by row; a key of zeros has no direction and gets 1. Once `halt` has stopped, `votes` says nothing.
void key_differences(const kv::LayerShape & shape, std::span<const kv::HeadRows> views, std::uint32_t first,
                     std::span<float> votes, Halt & halt);

}  // namespace snapkv::attention
