#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "attention/unit.h"
#include "base/meter.h"

namespace snapkv::attention {

/// Whose attention is wanted: the rotated queries of the last `count` of n positions. A query at position p sees the
/// rows at positions up to p.
struct WeightsInput {
    AttentionSpec spec;
    kv::LayerShape shape;
    const float * queries = nullptr;  ///< [count][heads][key_size], unscaled
    std::uint32_t count = 0;
    std::uint32_t n = 0;                          ///< tokens, the queries' own included
    std::vector<std::vector<kv::HeadRows>> rows;  ///< [KV head]: views in ascending positions; none quantised
    std::shared_ptr<Meter> work;                  ///< counts scratch: a strip's logits over all rows, for the most part
    Halt * halt = nullptr;                        ///< polled once a tile; may be null
};

/// Receives the weights of one query over positions 0 .. `position`, 0 where there is no row; false ends the visit.
using VisitWeights = std::function<bool(std::uint32_t head, Position position, std::span<const float> weights)>;

/// The softmax weights, one query at a time, of the query heads that share a KV head: positions ascend, the heads of
/// the group follow one another. Float32 from stored key values, as the vote. On the calling thread; different KV heads
/// may be visited at once. Ends early where stopped.
void visit_weights(const WeightsInput & input, std::uint32_t kv_head, const VisitWeights & visit);

}  // namespace snapkv::attention
