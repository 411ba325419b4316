#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attention/vote.h"
#include "attention/weights.h"
#include "base/block.h"
#include "run/compute.h"
#include "select/flow.h"
#include "select/policy.h"
#include "snapkv/position.h"
#include "snapkv/prefill.h"

namespace snapkv::run {

/// body(head) for each head, on all threads.
template <typename Body>
void for_heads(Compute & compute, std::uint32_t heads, const Body & body) {
    std::atomic<std::uint32_t> next{0};
    compute.parallel([&] {
        for (std::uint32_t head = next++; head < heads; head = next++) {
            body(head);
        }
    });
}

/// Keys in a float type, which votes and observers read: views of the rows themselves, or of float32 copies. Values are
/// not looked at.
struct FloatKeys {
    kv::LayerShape shape;
    std::vector<std::vector<kv::HeadRows>> views;  ///< [KV head]
    Block copies;                                  ///< where the keys are quantised
    std::vector<std::vector<Position>> positions;  ///< of the copies

    /// Bytes of copies of so many rows, all heads together.
    [[nodiscard]] static std::uint64_t bytes(const kv::LayerShape & shape, std::uint64_t rows) {
        return is_quantised(shape.type.key) ? rows * shape.key_size * sizeof(float) : 0;
    }
};
[[nodiscard]] FloatKeys float_keys(Compute & compute, const kv::LayerShape & shape,
                                   std::vector<std::vector<kv::HeadRows>> views, const std::shared_ptr<Meter> & work);

/// Shows a layer's attention to the observer, different KV heads on different threads. Throws Interrupted, and what the
/// observer throws.
void show_weights(Compute & compute, const Observer & observer, std::uint32_t layer, attention::WeightsInput input);

/// The votes of one layer on rows of any type (of quantised keys it makes copies), as attention::Vote leaves them; by
/// Evidence::Keys [KV head][prefix] floats. 0 for a position that no view has. Throws Interrupted.
[[nodiscard]] Block cast_votes(Compute & compute, attention::VoteInput input, const std::shared_ptr<Meter> & work);

/// The scores of each KV head's prefix by those votes. Throws Interrupted.
[[nodiscard]] std::vector<select::RankedScores> layer_scores(Compute & compute, const select::Plan & plan,
                                                             std::span<const float> votes, std::uint32_t kv_heads,
                                                             std::span<const select::Mark> marks);

/// What each KV head of a layer keeps by a flow, ascending.
[[nodiscard]] std::vector<std::vector<Position>> flowing_positions(const select::Plan & plan,
                                                                   const select::FlowingLayer & layer);

/// What each KV head of a layer keeps by those votes, ascending, `budget` rows on average. Throws Interrupted.
[[nodiscard]] std::vector<std::vector<Position>> choose_positions(Compute & compute, const select::Plan & plan,
                                                                  std::uint32_t budget, std::span<const float> votes,
                                                                  std::uint32_t kv_heads,
                                                                  std::span<const select::Mark> marks);

}  // namespace snapkv::run
