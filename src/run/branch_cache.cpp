#include "run/branch_cache.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "attention/vote.h"
#include "kv/convert.h"
#include "run/voting.h"
#include "select/evicted.h"

namespace snapkv::run {

namespace {

using HeadPositions = std::vector<std::vector<Position>>;

/// The last `count` of `n` positions, for each head.
HeadPositions last_positions(std::uint32_t heads, std::uint32_t n, std::uint32_t count) {
    return HeadPositions(heads, positions_from(Position{n - count}, count));
}

std::optional<select::Flow> flow_of(const BranchPlan & plan, std::uint32_t kv_heads) {
    return plan.cache.flows() ? std::optional<select::Flow>(std::in_place, plan.cache, plan.voted_layers, kv_heads)
                              : std::nullopt;
}

}  // namespace

BranchCache::BranchCache(const BranchPlan & plan, const attention::AttentionSpec & spec,
                         std::vector<std::size_t> state_floats, kv::Arena & arena, std::shared_ptr<Meter> work)
    : plan_(plan),
      flow_(flow_of(plan, spec.kv_heads)),
      arena_(arena),
      work_(std::move(work)),
      query_floats_(std::size_t{spec.heads} * spec.key_size),
      heads_(spec.heads),
      captured_queries_(plan.captured() * query_floats_ * sizeof(float), work_),
      state_(arena, std::move(state_floats)) {}

void BranchCache::begin_layer(const kv::RowChain & trunk) {
    rows_ = plan_.suffix > 0 ? trunk.continued(arena_, trunk.end(), Position{plan_.n}) : trunk;
}

void BranchCache::begin_sums(const float * trunk) {
    trunk_sums_ = trunk;
    if (plan_.suffix == 0) {
        return;
    }
    const std::size_t of_trunk = plan_.n - plan_.suffix;
    column_sums_ = Block(std::size_t{heads_} * plan_.n * sizeof(float), work_);
    for (std::uint32_t head = 0; head < heads_ && !work_->of_sizes(); ++head) {
        std::copy_n(trunk + head * of_trunk, of_trunk, column_sums_.floats() + std::size_t{head} * plan_.n);
    }
}

void BranchCache::reserve_layer(const kv::LayerShape & shape) {
    rows_ = kv::RowChain(arena_, shape, Position{0}, Position{plan_.n});
    rows_.last().set_rows(plan_.n);
}

float * BranchCache::captured_query(std::uint32_t row) {
    return captured_queries_.floats() + row * query_floats_;
}

void BranchCache::finish_layer(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                               const float * trunk_queries, LayerVote & latest) {
    if (plan_.trunk_captured() > 0) {
        std::copy_n(trunk_queries, plan_.trunk_captured() * query_floats_, captured_query(0));
    }
    if (plan_.branch->observer.positions > 0) {
        observe(layer, compute, spec);
    }
    const auto begin = std::chrono::steady_clock::now();
    const std::optional<std::uint32_t> own = plan_.own_rows(layer, spec.sliding_window);
    if (!own) {
        keep_parts();
    } else if (plan_.chooses_rows(spec.sliding_window)) {
        compress(layer, compute, spec, latest);
    } else if (plan_.cache.compress || *own < plan_.n) {
        store_last(compute, *own);
    } else {
        store_whole(compute);
    }
    if (plan_.cache.evicts) {
        carry(spec.sliding_window);
    }
    if (!plan_.keeps_working_rows) {
        compress_ms_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    }
    rows_ = {};
    column_sums_ = Block();
}

void BranchCache::rehearse_layer(std::uint32_t layer, const attention::AttentionSpec & spec) {
    if (const std::optional<std::uint32_t> own = plan_.own_rows(layer, spec.sliding_window); !own) {
        keep_parts();
    } else {
        const std::uint64_t of_vote = attention::vote_bytes(
            spec, plan_.n, plan_.cache.prefix(), plan_.accumulates() ? 0 : plan_.cache.window, plan_.cache.evidence);
        const bool votes = plan_.chooses_rows(spec.sliding_window) && plan_.cache.votes();
        const Block vote(votes ? of_vote : 0, work_);
        if (plan_.chooses_rows(spec.sliding_window) && flow_) {
            rehearse_flow();
        } else {
            auto rows =
                std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena_, stored_shape(), *own, Position{0}));
            rows->set_rows(*own);
            kept_.push_back({std::move(rows)});
        }
    }
    if (plan_.cache.evicts) {
        static_cast<void>(next_carried(spec.sliding_window));
    }
    rows_ = {};
    column_sums_ = Block();
}

/// As many rows in all as the layers so far have after any votes.
void BranchCache::rehearse_flow() {
    flowing_.push_back(kept_.size());
    kept_.emplace_back();
    const std::vector<std::uint32_t> rows =
        select::Flow::rows_after(plan_.cache, plan_.voted_layers, static_cast<std::uint32_t>(flowing_.size()));
    for (std::size_t index = 0; index < flowing_.size(); ++index) {
        auto & kept = kept_[flowing_[index]];
        const kv::LayerShape shape = kept.empty() ? stored_shape() : kept.front()->shape();
        kept.clear();
        kept.push_back(std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena_, shape, rows[index], Position{0})));
    }
}

void BranchCache::drop() {
    flow_.reset();
    flowing_.clear();
    captured_queries_ = Block();
    column_sums_ = Block();
    rows_ = {};
    kept_.clear();
    carried_.clear();
    state_ = kv::RecurrentState(arena_, std::vector<std::size_t>(state_.layers()));
}

void BranchCache::finish_recurrent_layer() {
    keep_parts();
    if (plan_.cache.evicts) {
        carry(0);
    }
    rows_ = {};
}

std::vector<std::shared_ptr<const kv::Segment>> BranchCache::take_segments() {
    std::size_t most_parts = 0;
    for (const auto & parts : kept_) {
        most_parts = std::max(most_parts, parts.size());
    }
    std::vector<std::shared_ptr<const kv::Segment>> segments;
    for (std::size_t index = 0; index < most_parts; ++index) {
        auto segment = std::make_shared<kv::Segment>();
        for (const auto & parts : kept_) {  // those with fewer have nothing in the first segments
            const std::size_t missing = most_parts - parts.size();
            segment->add_layer(index < missing ? std::make_shared<kv::LayerRows>(kv::LayerRows::dense(
                                                     arena_, parts.back()->shape(), 0, Position{0}))
                                               : parts[index - missing]);
        }
        if (segment->total_rows() > 0) {
            segments.push_back(std::move(segment));
        }
    }
    kept_.clear();
    return segments;
}

void BranchCache::observe(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec) {
    const Observer & observer = plan_.branch->observer;
    show_weights(compute, observer, layer,
                 {.spec = spec,
                  .shape = rows_.shape(),
                  .queries = captured_query(plan_.captured() - observer.positions),
                  .count = observer.positions,
                  .n = plan_.n,
                  .rows = rows_.views(),
                  .work = work_});
}

void BranchCache::cast_vote(Compute & compute, const attention::AttentionSpec & spec, LayerVote & latest) {
    const select::Plan & plan = plan_.cache;
    latest = {};  // gives its memory back before more is taken
    latest.votes = plan_.accumulates() ? accumulated_votes()
                                       : cast_votes(compute,
                                                    {.spec = spec,
                                                     .shape = rows_.shape(),
                                                     .queries = captured_query(plan_.captured() - plan.window),
                                                     .window = plan.window,
                                                     .n = plan_.n,
                                                     .prefix = plan.prefix(),
                                                     .evidence = plan.evidence,
                                                     .rows = rows_.views()},
                                                    work_);
    latest.window = plan.window;
    latest.prefix = plan.prefix();
    latest.evidence = plan.evidence;
}

/// The sums of the prefix.
Block BranchCache::accumulated_votes() const {
    const std::size_t prefix = plan_.cache.prefix();
    const float * sums = plan_.suffix == 0 ? trunk_sums_ : column_sums_.floats();
    assert(sums != nullptr);
    Block votes(heads_ * prefix * sizeof(float), work_);
    for (std::uint32_t head = 0; head < heads_; ++head) {
        std::copy_n(sums + std::size_t{head} * plan_.n, prefix, votes.floats() + head * prefix);
    }
    return votes;
}

void BranchCache::compress(std::uint32_t layer, Compute & compute, const attention::AttentionSpec & spec,
                           LayerVote & latest) {
    std::span<const float> votes;
    if (plan_.cache.votes()) {
        if (!latest.serves(plan_.cache)) {
            cast_vote(compute, spec, latest);
        }
        votes = std::span(latest.votes.floats(), latest.votes.size() / sizeof(float));
    }
    if (flow_) {
        flow_->add_layer(layer_scores(compute, plan_.cache, votes, spec.kv_heads, plan_.marks));
        shrink_earlier(compute);
        flowing_.push_back(layer);
        keep_packed(compute, flowing_positions(plan_.cache, flow_->layers().back()));
        return;
    }
    keep_packed(compute,
                choose_positions(compute, plan_.cache, plan_.budgets[layer], votes, spec.kv_heads, plan_.marks));
}

/// To what the flow leaves to layers that are finished.
void BranchCache::shrink_earlier(Compute & compute) {
    for_heads(compute, static_cast<std::uint32_t>(flowing_.size()), [&](std::uint32_t index) {
        auto & kept = kept_[flowing_[index]];
        HeadPositions positions = flowing_positions(plan_.cache, flow_->layers()[index]);
        const auto total = std::accumulate(positions.begin(), positions.end(), std::uint64_t{0},
                                           [](std::uint64_t sum, const auto & head) { return sum + head.size(); });
        if (total == kept.front()->total_rows()) {
            return;
        }
        kv::LayerRows rows = *kept.front();
        kept.clear();
        rows.keep(std::move(positions));
        kept.push_back(std::make_shared<const kv::LayerRows>(std::move(rows)));
    });
}

void BranchCache::restore_flow(std::size_t layer, select::FlowingLayer flowing) {
    flow_->restore_layer(std::move(flowing));
    flowing_.push_back(layer);
}

void BranchCache::store_whole(Compute & compute) {
    const auto rows = rows_.views();
    const kv::LayerShape shape = stored_shape();
    auto stored = std::make_shared<kv::LayerRows>(kv::LayerRows::dense(arena_, shape, plan_.n, Position{0}));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { kv::convert_rows(rows_.shape(), rows[head], *stored, head); });
    stored->set_rows(plan_.n);
    kept_.push_back({std::move(stored)});
}

void BranchCache::store_last(Compute & compute, std::uint32_t count) {
    keep_packed(compute, last_positions(rows_.shape().kv_heads, plan_.n, count));
}

void BranchCache::keep_packed(Compute & compute, const HeadPositions & kept) {
    const auto rows = rows_.views();
    const kv::LayerShape shape = stored_shape();
    auto stored = std::make_shared<kv::LayerRows>(kv::LayerRows::packed_empty(arena_, shape, kept));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { kv::convert_rows(rows_.shape(), rows[head], kept[head], *stored, head); });
    kept_.push_back({std::move(stored)});
}

Block & BranchCache::next_carried(std::uint32_t window) {
    const kv::LayerRows & kept = *kept_[carried_.size()].front();
    std::size_t floats = 0;
    if (window == 0 && kept.shape().kv_heads > 0) {
        floats = plan_.cache.evidence == Evidence::Pivotal
                     ? select::eviction_window(plan_.branch->cache) * query_floats_
                     : 0;
        floats += plan_.accumulates() ? kept.total_rows() * (heads_ / kept.shape().kv_heads) : 0;
    }
    return carried_.emplace_back(arena_.allocate(floats * sizeof(float)));
}

/// The sums of the rows that stay, or the queries of the last tokens.
void BranchCache::carry(std::uint32_t window) {
    Block & block = next_carried(window);
    if (block.size() == 0) {
        return;
    }
    if (!plan_.accumulates()) {
        std::copy_n(captured_query(plan_.captured() - plan_.cache.window), plan_.cache.window * query_floats_,
                    block.floats());
        return;
    }
    const float * sums = plan_.suffix == 0 ? trunk_sums_ : column_sums_.floats();
    const kv::LayerRows & kept = *kept_.back().front();
    const std::uint32_t group = heads_ / kept.shape().kv_heads;
    float * to = block.floats();
    for (std::uint32_t head = 0; head < heads_; ++head) {
        const kv::HeadRows rows = kept.head(head / group);
        for (std::uint32_t row = 0; row < rows.rows; ++row) {
            *to++ = sums[std::size_t{head} * plan_.n + index_of(rows.position(row))];
        }
    }
}

void BranchCache::keep_parts() {
    kept_.emplace_back(rows_.parts().begin(), rows_.parts().end());
}

kv::LayerShape BranchCache::stored_shape() const {
    kv::LayerShape shape = rows_.shape();
    shape.type = plan_.type;
    shape.rotated = plan_.branch->cache.rotate;
    return shape;
}

}  // namespace snapkv::run
