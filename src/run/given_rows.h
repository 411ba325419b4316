#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/layer_rows.h"
#include "run/compute.h"
#include "snapkv/row_provider.h"

namespace snapkv::run {

/// Stores the rows that a caller gives for one head, in pieces, as the first rows of that head in `to`. `positions` are
/// theirs. Throws Error(Usage) unless these are whole rows and as many as positions, Error(Input) for an element that
/// is no finite number or too large to be stored, both with layer and KV head; and as Compute::parallel() does.
void store_given(Compute & compute, const HeadToFill & head, std::span<const Position> positions,
                 std::span<const FloatRows> pieces, kv::LayerRows & to);

}  // namespace snapkv::run
