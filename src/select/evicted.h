#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "select/scores.h"
#include "snapkv/cache_config.h"
#include "snapkv/position.h"

namespace snapkv::select {

/// By which rule a policy goes on evicting while it generates: by the evidence that it has at the prompt's end, taken
/// of what is held (docs/method.md).
struct EvictionRule {
    Evidence evidence = Evidence::None;  ///< None, Mean, Accumulated or Pivotal
    GroupReduce group = GroupReduce::Mean;
    std::uint32_t window = 0;  ///< last tokens whose attention counts; of Accumulated evidence all, as they come
    std::uint32_t recent = 0;  ///< last rows that stay whatever their evidence
    std::uint32_t sink = 0;    ///< positions before this one stay whatever their evidence
};

/// The last tokens whose attention counts while generating: as many as voters at most.
[[nodiscard]] std::uint32_t eviction_window(const CacheConfig & config);

/// How many rows a head that may hold `most` has left, once it has had `rows`: all up to that number, and `most` of
/// more; by Evidence::Pivotal most + 1 - floor(most / 2), as ScissorHands drops half of a full cache when one more row
/// comes (arXiv 2305.17118).
[[nodiscard]] std::uint32_t rows_left(const EvictionRule & rule, std::uint32_t most, std::uint32_t rows);

/// The slots of the `count` rows of a head that go, or of fewer where not so many may, ascending: those with the lowest
/// scores, of equal ones those with the lowest ties, then the latest. Without scores, the earliest. `positions` are the
/// slots', in any order.
[[nodiscard]] std::vector<std::uint32_t> evicted_slots(const EvictionRule & rule, std::span<const Position> positions,
                                                       const RankedScores & of, std::uint32_t count);

}  // namespace snapkv::select
