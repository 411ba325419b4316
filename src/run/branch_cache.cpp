#include "run/branch_cache.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <numeric>
#include <span>
#include <utility>

#include "attention/convert.h"
#include "attention/vote.h"
#include "attention/weights.h"
#include "select/policy.h"

namespace snapkv::run {

namespace {

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

using HeadPositions = std::vector<std::vector<std::uint32_t>>;

/// Rows of a layer at the positions `kept`, in the type of `stored`.
std::shared_ptr<kv::LayerRows> packed_rows(kv::Arena & arena, Compute & compute, const kv::LayerShape & worked_on,
                                           const kv::LayerShape & stored,
                                           const std::vector<std::vector<kv::HeadRows>> & views,
                                           const HeadPositions & kept) {
    auto rows = std::make_shared<kv::LayerRows>(kv::LayerRows::packed_empty(arena, stored, kept));
    for_heads(compute, stored.kv_heads,
              [&](std::uint32_t head) { attention::convert_rows(worked_on, views[head], kept[head], *rows, head); });
    return rows;
}

/// The last `count` of `n` positions, for each head.
HeadPositions last_positions(std::uint32_t heads, std::uint32_t n, std::uint32_t count) {
    std::vector<std::uint32_t> positions(count);
    std::iota(positions.begin(), positions.end(), n - count);
    return HeadPositions(heads, positions);
}

}  // namespace

BranchCache::BranchCache(const BranchPlan & plan, const attention::AttentionSpec & spec,
                         std::vector<std::size_t> state_floats, kv::Arena & arena, std::shared_ptr<Meter> work)
    : plan_(plan),
      arena_(arena),
      work_(std::move(work)),
      query_floats_(std::size_t{spec.heads} * spec.key_size),
      captured_queries_(plan.captured() * query_floats_ * sizeof(float), work_),
      state_(arena, std::move(state_floats)) {}

void BranchCache::begin_layer(const kv::LayerShape & shape, std::uint32_t trunk) {
    suffix_rows_ = std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena_, shape, plan_.suffix, Position{trunk}));
}

float * BranchCache::captured_query(std::uint32_t row) {
    return captured_queries_.floats() + row * query_floats_;
}

std::vector<std::vector<kv::HeadRows>> BranchCache::views(const kv::LayerRows & trunk) const {
    std::vector<std::vector<kv::HeadRows>> views(trunk.shape().kv_heads);
    for (std::uint32_t head = 0; head < views.size(); ++head) {
        views[head].push_back(trunk.head(head));
        if (plan_.suffix > 0) {
            views[head].push_back(suffix_rows_->head(head));
        }
    }
    return views;
}

void BranchCache::finish_layer(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                               const std::shared_ptr<const kv::LayerRows> & trunk, const float * trunk_queries,
                               LayerVote & latest) {
    if (plan_.trunk_captured() > 0) {
        std::copy_n(trunk_queries, plan_.trunk_captured() * query_floats_, captured_query(0));
    }
    if (plan_.branch->observer.positions > 0) {
        observe(layer, compute, spec, *trunk);
    }
    const auto begin = std::chrono::steady_clock::now();
    if (!plan_.keeps_working_rows) {
        if (spec.sliding_window > 0) {
            // It forgets by itself: nothing is voted on, and the budget is the other layers'.
            store_last(compute, *trunk, std::min(spec.sliding_window, plan_.n));
        } else if (plan_.cache.compress) {
            compress(compute, spec, *trunk, latest);
        } else {
            store_whole(compute, *trunk);
        }
        compress_ms_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    } else {
        segment_->add_layer(suffix_rows_);
    }
    suffix_rows_.reset();
}

void BranchCache::drop() {
    captured_queries_ = Block();
    suffix_rows_.reset();
    segment_.reset();
    state_ = kv::RecurrentState(arena_, std::vector<std::size_t>(state_.layers()));
}

void BranchCache::finish_recurrent_layer() {
    segment_->add_layer(std::move(suffix_rows_));
}

void BranchCache::observe(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                          const kv::LayerRows & trunk) {
    const Observer & observer = plan_.branch->observer;
    const attention::WeightsInput input{.spec = spec,
                                        .shape = trunk.shape(),
                                        .queries = captured_query(plan_.captured() - observer.positions),
                                        .count = observer.positions,
                                        .n = plan_.n,
                                        .rows = views(trunk),
                                        .work = work_,
                                        .halt = &compute.halt()};
    // The first head to throw ends the others at their next row.
    for_heads(compute, spec.kv_heads, [&](std::uint32_t kv_head) {
        attention::visit_weights(input, kv_head,
                                 [&](std::uint32_t head, std::uint32_t position, std::span<const float> weights) {
                                     observer.row({layer, kv_head, head, position, weights});
                                     return !compute.halt().stopped();
                                 });
    });
}

void BranchCache::cast_vote(Compute & compute, const attention::AttentionSpec & spec, const kv::LayerRows & trunk,
                            LayerVote & latest) {
    const select::Plan & plan = plan_.cache;
    const std::size_t floats = std::size_t{spec.heads} * plan.prefix();
    latest = {};  // gives its memory back before more is taken
    latest.votes = Block(floats * sizeof(float), work_);
    attention::Vote vote({.spec = spec,
                          .shape = trunk.shape(),
                          .queries = captured_query(plan_.captured() - plan.window),
                          .window = plan.window,
                          .n = plan_.n,
                          .prefix = plan.prefix(),
                          .evidence = plan.evidence,
                          .rows = views(trunk),
                          .halt = &compute.halt()},
                         {latest.votes.floats(), floats});
    compute.parallel([&] { vote.statistics(); });
    compute.parallel([&] { vote.columns(); });
    for_heads(compute, spec.kv_heads, [&](std::uint32_t head) { vote.finish(head); });
    latest.window = plan.window;
    latest.prefix = plan.prefix();
    latest.evidence = plan.evidence;
}

void BranchCache::compress(Compute & compute, const attention::AttentionSpec & spec, const kv::LayerRows & trunk,
                           LayerVote & latest) {
    if (!latest.serves(plan_.cache)) {
        cast_vote(compute, spec, trunk, latest);
    }
    const std::size_t head_votes = std::size_t{spec.group()} * latest.prefix;
    std::vector<std::vector<std::uint32_t>> kept(spec.kv_heads);
    for_heads(compute, spec.kv_heads, [&](std::uint32_t head) {
        kept[head] = select::keep_positions(
            plan_.cache, std::span(latest.votes.floats() + head * head_votes, head_votes), plan_.marks);
    });
    segment_->add_layer(packed_rows(arena_, compute, trunk.shape(), stored_shape(trunk), views(trunk), kept));
}

void BranchCache::store_whole(Compute & compute, const kv::LayerRows & trunk) {
    const auto rows = views(trunk);
    const kv::LayerShape shape = stored_shape(trunk);
    auto stored = std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena_, shape, plan_.n, Position{0}));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { attention::convert_rows(trunk.shape(), rows[head], *stored, head); });
    stored->set_rows(plan_.n);
    segment_->add_layer(std::move(stored));
}

void BranchCache::store_last(Compute & compute, const kv::LayerRows & trunk, std::uint32_t count) {
    segment_->add_layer(packed_rows(arena_, compute, trunk.shape(), stored_shape(trunk), views(trunk),
                                    last_positions(trunk.shape().kv_heads, plan_.n, count)));
}

kv::LayerShape BranchCache::stored_shape(const kv::LayerRows & trunk) const {
    kv::LayerShape shape = trunk.shape();
    shape.type = plan_.type;
    shape.rotated = plan_.branch->cache.rotate;
    return shape;
}

std::shared_ptr<kv::LayerRows> last_rows(kv::Arena & arena, Compute & compute, const kv::LayerShape & shape,
                                         const kv::LayerRows & rows, std::uint32_t count) {
    std::vector<std::vector<kv::HeadRows>> views(shape.kv_heads);
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        views[head].push_back(rows.head(head));
    }
    const std::uint32_t n = static_cast<std::uint32_t>(views.front().front().rows);
    return packed_rows(arena, compute, shape, shape, views, last_positions(shape.kv_heads, n, count));
}

}  // namespace snapkv::run
