#pragma once

#include <span>

#include "base/block.h"
#include "model/hyper_parameters.h"
#include "run/sequence_impl.h"
#include "select/evicted.h"
#include "snapkv/sequence.h"

namespace snapkv::run {

/// By which rule a sequence with these statistics goes on evicting.
[[nodiscard]] select::EvictionRule eviction_rule(const CacheStats & stats);

/// A sequence that is nothing but its prompt goes on evicting from now on: its rows become its own. Each KV head may
/// hold as many as it has, or the budget where nothing was compressed. `carried` is what its prefill left of each layer
/// (Eviction::take_rows()). Throws Error(Machine); the sequence is void then.
void begin_evicting(Sequence::Impl & sequence, const model::HyperParameters & params, std::span<Block> carried);

}  // namespace snapkv::run
