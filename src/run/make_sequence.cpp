// Sequences whose prompt was never read: rows that the caller gives where a prefill would have left its own.
#include <algorithm>
#include <new>
#include <vector>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/reservation.h"
#include "base/telling.h"
#include "run/cache_stats.h"
#include "run/given_rows.h"
#include "run/layer_shape.h"
#include "run/session_impl.h"

namespace snapkv {

namespace run {
namespace {

/// The positions that the heads of a layer keep; none: each keeps every position that the layer sees.
using LayerPositions = std::vector<std::vector<Position>>;

HeadToFill head_to_fill(const BranchPlan & plan, const model::HyperParameters & params, std::uint32_t layer,
                        std::uint32_t kv_head) {
    const std::uint32_t seen = rows_of_use(params, layer, plan.n);
    HeadToFill head{.layer = layer,
                    .kv_head = kv_head,
                    .first = Position{plan.n - seen},
                    .end = plan.n,
                    .rows = seen,
                    .sink = 0,
                    .recent = 0};
    if (plan.cache.compress && params.window_of(layer) == 0) {
        head.rows = plan.budgets[layer];
        head.sink = plan.cache.sink;
        head.recent = plan.cache.recent;
    }
    return head;
}

std::vector<Position> positions_seen(const HeadToFill & head) {
    return positions_from(head.first, head.end - index_of(head.first));
}

std::vector<Position> given_positions(const RowProvider & provider, const HeadToFill & head) {
    std::vector<Position> positions = provider.positions(head);
    if (positions.empty()) {
        raise_usage("layer {}, KV head {}: no positions, expected at least one", head.layer, head.kv_head);
    }
    Position least = head.first;
    for (std::size_t row = 0; row < positions.size(); ++row) {
        if (positions[row] < least || index_of(positions[row]) >= head.end) {
            raise_usage("layer {}, KV head {}: row {} is at position {}, expected ascending ones from {} to {}",
                        head.layer, head.kv_head, row, index_of(positions[row]), index_of(head.first), head.end - 1);
        }
        least = positions[row] + 1;
    }
    return positions;
}

/// Of all layers.
std::vector<LayerPositions> given_positions(const RowProvider & provider, const BranchPlan & plan,
                                            const model::HyperParameters & params) {
    std::vector<LayerPositions> layers(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers && provider.positions; ++layer) {
        if (params.layer_recurs(layer) || params.window_of(layer) > 0) {
            continue;
        }
        bool all = true;
        for (std::uint32_t kv_head = 0; kv_head < params.kv_heads; ++kv_head) {
            const HeadToFill head = head_to_fill(plan, params, layer, kv_head);
            layers[layer].push_back(given_positions(provider, head));
            all = all && layers[layer].back().size() == head.end - index_of(head.first);
        }
        if (all) {
            layers[layer].clear();
        }
    }
    return layers;
}

/// Over all KV heads and layers.
std::uint64_t count_rows(std::span<const LayerPositions> positions, const model::HyperParameters & params,
                         std::uint32_t tokens) {
    std::uint64_t rows = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        for (const std::vector<Position> & of_head : positions[layer]) {
            rows += of_head.size();
        }
        if (positions[layer].empty()) {
            rows += std::uint64_t{params.kv_heads} * rows_of_use(params, layer, tokens);
        }
    }
    return rows;
}

kv::LayerRows filled_layer(Session::Impl & session, const BranchPlan & plan, const kv::LayerShape & shape,
                           std::uint32_t layer, const LayerPositions & positions, const RowProvider & provider) {
    const std::vector<Position> seen = positions_seen(head_to_fill(plan, session.params(), layer, 0));
    const auto count = static_cast<std::uint32_t>(seen.size());
    kv::LayerRows rows = positions.empty()
                             ? kv::LayerRows::dense(*session.arena, shape, count, Position{plan.n - count})
                             : kv::LayerRows::packed_empty(*session.arena, shape, positions);
    for (std::uint32_t kv_head = 0; kv_head < shape.kv_heads; ++kv_head) {
        const HeadToFill head = head_to_fill(plan, session.params(), layer, kv_head);
        const std::vector<Position> & kept = positions.empty() ? seen : positions[kv_head];
        store_given(session.compute, head, kept, provider.rows(head, kept), rows);
    }
    if (positions.empty()) {
        rows.set_rows(count);
    }
    return rows;
}

/// All layers. Throws Interrupted once it is to stop.
std::shared_ptr<const kv::Segment> filled_segment(Session::Impl & session, const BranchPlan & plan,
                                                  std::span<const LayerPositions> positions,
                                                  const RowProvider & provider, const Telling & tell) {
    auto segment = std::make_shared<kv::Segment>();
    for (std::uint32_t layer = 0; layer < session.params().layers; ++layer) {
        session.compute.check_stop();
        tell(layer, session.params().layers);
        const kv::LayerShape shape = layer_shape(session.params(), layer, plan.type, plan.branch->cache.rotate);
        segment->add_layer(std::make_shared<const kv::LayerRows>(
            filled_layer(session, plan, shape, layer, positions[layer], provider)));
    }
    tell(session.params().layers, session.params().layers);
    return segment;
}

/// What became of it is for the provider to say.
CacheStats stats_of(const BranchPlan & plan, const model::HyperParameters & params,
                    const std::shared_ptr<const kv::Segment> & segment) {
    CacheStats stats = cache_stats(plan, params, {&segment, 1});
    stats.evicts = false;  // there is no evidence of the rows to go on from
    stats.compressed = stats.rows_kept < stats.rows_full;
    if (stats.compressed) {
        stats.reason.clear();
    } else if (plan.cache.compress) {
        stats.reason = "every row was given";
    }
    return stats;
}

/// Memory for what a made sequence will hold, and for a second state, which a step of decode writes.
Reservation reserve(const Session::Impl & session, const kv::LayerShape & shape, std::uint64_t rows) {
    const std::uint64_t bytes = rows * shape.row_bytes() + 2 * state_bytes(session.params());
    return Reservation::require(bytes, session.arena->shared_meter(),
                                fmt::format("{} rows of keys and values, and states,", rows));
}

}  // namespace
}  // namespace run

std::optional<Sequence> Session::make_sequence(std::span<const Token> tokens, const CacheConfig & cache,
                                               const RowProvider & rows, const CallOptions & call) try {
    if (!rows.rows) {
        raise_usage("the row provider has no function that gives rows");
    }
    const Telling tell(call);
    const Impl::Call stopping(*impl_, call);
    const auto depth = static_cast<std::uint32_t>(tokens.size());
    Branch branch;
    branch.cache = cache;
    branch.prompt.tokens.assign(tokens.begin(), tokens.end());
    // A plan wants a token; without any the configuration is checked and nothing else is taken from it.
    branch.prompt.tokens.resize(std::max(depth, 1U));
    branch.prompt.question_begin = branch.prompt.tokens.size();
    const run::PrefillPlan plan = run::plan_prefill({&branch, 1}, impl_->params(), impl_->options.context);
    const run::BranchPlan & of_branch = plan.branches.front();
    std::vector<std::shared_ptr<const kv::Segment>> segments;
    CacheStats stats{.config = cache, .reason = "there is no prompt"};
    const std::vector<run::LayerPositions> positions =
        depth > 0 ? run::given_positions(rows, of_branch, impl_->params()) : std::vector<run::LayerPositions>();
    const Reservation reserved =
        run::reserve(*impl_, run::attending_shape(impl_->params(), of_branch.type, cache.rotate),
                     depth > 0 ? run::count_rows(positions, impl_->params(), depth) : 0);
    impl_->arena->meter().restart_peak();
    if (depth > 0) {
        segments.push_back(run::filled_segment(*impl_, of_branch, positions, rows, tell));
        stats = run::stats_of(of_branch, impl_->params(), segments.front());
    }
    branch.prompt.tokens.resize(depth);
    return Internals::make(std::make_unique<Sequence::Impl>(
        Sequence::Impl{.model = Internals::of(impl_->model),
                       .arena = impl_->arena,
                       .tokens = std::move(branch.prompt.tokens),
                       .prompt_tokens = depth,
                       .stats = std::move(stats),
                       .rows = {std::move(segments), impl_->tail(cache, Position{depth})},
                       .state = kv::RecurrentState(*impl_->arena, run::state_floats(impl_->params())),
                       .logits = std::vector<float>(impl_->params().vocabulary, 0.0F)}));
} catch (const run::Interrupted &) {
    return std::nullopt;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv
