#include "run/turns.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "attention/vote.h"
#include "base/raise.h"
#include "kv/convert.h"
#include "run/layer_shape.h"
#include "run/text_marks.h"
#include "run/voting.h"

namespace snapkv::run {

namespace {

using HeadPositions = std::vector<std::vector<std::uint32_t>>;
using HeadViews = std::vector<std::vector<kv::HeadRows>>;

bool votes(const model::HyperParameters & params, std::uint32_t layer) {
    return !params.layer_recurs(layer) && params.window_of(layer) == 0;
}

/// Quantised rows in float32, as a vote reads them.
kv::LayerRows widened(Compute & compute, kv::Arena & arena, const kv::LayerShape & shape, const HeadViews & views) {
    kv::LayerShape wide = shape;
    wide.type = KvType::F32;
    std::vector<std::vector<Position>> positions;
    HeadPositions kept(views.size());
    for (std::size_t head = 0; head < views.size(); ++head) {
        positions.push_back(kv::positions_in(views[head]));
        std::transform(positions[head].begin(), positions[head].end(), std::back_inserter(kept[head]), index_of);
    }
    kv::LayerRows rows = kv::LayerRows::packed_empty(arena, wide, std::move(positions));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { kv::convert_rows(shape, views[head], kept[head], rows, head); });
    return rows;
}

/// The votes on the turns' rows, which begin at position `first`, [KV head][group][turn].
Block turn_votes(Session::Impl & session, std::uint32_t layer, const kv::LayerShape & shape, HeadViews views,
                 const TurnVote & vote, std::uint32_t first) {
    kv::Arena arena({session.work});
    std::optional<kv::LayerRows> wide;
    if (is_quantised(shape.type.key) || is_quantised(shape.type.value)) {
        wide = widened(session.compute, arena, shape, views);
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            views[head] = {wide->head(head)};
        }
    }
    return cast_votes(session.compute,
                      {.spec = layer_spec(session.params(), Internals::of(session.model)->decoder, layer),
                       .shape = wide ? wide->shape() : shape,
                       .queries = vote.queries.layers[layer].floats(),
                       .window = vote.plan.window,
                       .n = first + vote.plan.n,
                       .first = first,
                       .prefix = vote.plan.prefix(),
                       .evidence = vote.plan.evidence,
                       .rows = std::move(views)},
                      session.work);
}

/// What a sliding layer still sees of the turns, for each head.
HeadPositions last_seen(const Sequence::Impl & sequence, std::uint32_t layer, std::uint32_t window,
                        std::uint32_t message) {
    const std::uint32_t there = index_of(sequence.rows.tail.first() + sequence.rows.tail.first_row(layer));
    const std::uint32_t first = std::min(std::max(there, message - std::min(window, message)), message);
    std::vector<std::uint32_t> positions(message - first);
    std::iota(positions.begin(), positions.end(), first);
    return HeadPositions(sequence.rows.tail.shapes()[layer].kv_heads, positions);
}

}  // namespace

std::optional<TurnVote> plan_turns(Session::Impl & session, const Sequence::Impl & sequence, const CacheConfig & config,
                                   std::uint32_t message, TurnStats & stats) {
    if (message == 0) {
        raise_usage("the turns are to be compressed by the vote of a message, and none is appended");
    }
    const model::HyperParameters & params = session.params();
    const std::uint32_t turns = sequence.rows.tail.rows() + (sequence.pending ? 1 : 0);
    if (turns == 0) {
        stats.reason = "nothing came since the prompt";
        return std::nullopt;
    }
    select::Plan plan = select::make_turn_plan(config, turns, message);
    stats.reason = plan.reason;
    if (!plan.compress) {
        return std::nullopt;
    }
    const std::uint32_t first = index_of(sequence.rows.tail.first());
    CapturedQueries queries{.first = first + plan.n - plan.window,
                            .count = plan.window,
                            .floats = std::size_t{params.heads} * params.key_size,
                            .layers = std::vector<Block>(params.layers)};
    std::uint64_t bytes = 0;
    std::uint64_t most_votes = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const kv::LayerShape & shape = sequence.rows.tail.shapes()[layer];
        const std::uint32_t kept = votes(params, layer) ? plan.budget - message : rows_of_use(params, layer, turns);
        bytes += std::uint64_t{kept + message + kv::Tail::kBlockRows} * shape.kv_heads * shape.row_bytes();
        if (votes(params, layer)) {
            bytes += plan.window * queries.floats * sizeof(float);
            const std::uint64_t wide = is_quantised(shape.type.key) || is_quantised(shape.type.value)
                                           ? std::uint64_t{first + plan.n} * shape.kv_heads *
                                                 (shape.key_size + shape.value_size) * sizeof(float)
                                           : 0;
            most_votes = std::max(most_votes, wide + attention::vote_bytes(params.attention_spec(layer), first + plan.n,
                                                                           turns, plan.window));
        }
    }
    std::uint64_t unreserved = 0;
    auto reserved = Reservation::take(bytes + most_votes, session.memory, unreserved);
    if (!reserved) {
        raise_machine("compressing {} tokens needs {} MiB; {} MiB are available", turns, (bytes + most_votes) >> 20U,
                      unreserved >> 20U);
    }
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (votes(params, layer)) {
            queries.layers[layer] = Block(plan.window * queries.floats * sizeof(float), session.work);
        }
    }
    return TurnVote{std::move(plan), std::move(queries), *std::move(reserved)};
}

void shrink_turns(Session::Impl & session, Sequence::Impl & sequence, TurnVote & vote, TurnStats & stats) {
    const auto begin = std::chrono::steady_clock::now();
    const model::HyperParameters & params = session.params();
    const std::uint32_t first = index_of(sequence.rows.tail.first());
    const std::uint32_t turns = vote.plan.prefix();
    const std::uint32_t message = first + turns;
    std::vector<select::Mark> marks;
    if (vote.plan.cluster.reads_text()) {
        marks = text_marks(Internals::of(session.model)->vocabulary,
                           std::span(sequence.tokens).subspan(first, vote.plan.n));
    }
    std::vector<HeadPositions> kept_of_layers;
    TurnStats shrunk{.compressed = true};
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const kv::LayerShape & shape = sequence.rows.tail.shapes()[layer];
        HeadPositions & kept = kept_of_layers.emplace_back();
        if (votes(params, layer)) {
            const Block of_turns = turn_votes(session, layer, shape, sequence.rows.views(layer), vote, first);
            kept = choose_positions(session.compute, vote.plan, {of_turns.floats(), of_turns.size() / sizeof(float)},
                                    shape.kv_heads, marks);
            for (std::vector<std::uint32_t> & head : kept) {
                head.erase(std::lower_bound(head.begin(), head.end(), turns), head.end());  // the message's own
                for (std::uint32_t & position : head) {
                    position += first;
                }
                shrunk.rows_before += turns;
                shrunk.rows_kept += head.size();
            }
        } else {
            kept = last_seen(sequence, layer, params.window_of(layer), message);
        }
    }
    sequence.rows.freeze(*sequence.arena, turns, kept_of_layers);
    sequence.prompt_logits.clear();
    shrunk.compress_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    stats = shrunk;
}

}  // namespace snapkv::run
