#include "run/turns.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "attention/output_change.h"
#include "attention/vote.h"
#include "base/raise.h"
#include "kv/convert.h"
#include "run/layer_shape.h"
#include "run/prefill_plan.h"
#include "run/text_marks.h"
#include "run/voting.h"

namespace snapkv::run {

namespace {

using HeadPositions = std::vector<std::vector<Position>>;

bool votes(const model::HyperParameters & params, std::uint32_t layer) {
    return !params.layer_recurs(layer) && params.window_of(layer) == 0;
}

bool wants_queries(const MessagePlan & plan, const model::HyperParameters & params, std::uint32_t layer) {
    return (plan.turns.votes() && votes(params, layer)) || (plan.observer != nullptr && !params.layer_recurs(layer));
}

/// Rows of all heads of a layer, once the message has its own.
std::uint64_t rows_with_message(const Sequence::Impl & sequence, std::uint32_t layer, std::uint32_t appended) {
    std::uint64_t rows = 0;
    for (const std::vector<kv::HeadRows> & views : sequence.rows.views(layer)) {
        rows += appended + kv::rows_in(views);
    }
    return rows;
}

/// What shrinking takes of one layer: the rows that stay, copies of the message's and of the segments that may be
/// merged.
std::uint64_t shrunk_bytes(const MessagePlan & plan, const model::HyperParameters & params,
                           const Sequence::Impl & sequence, std::uint32_t layer) {
    const kv::LayerShape & shape = sequence.rows.shape(layer);
    const std::uint32_t kept = votes(params, layer) ? budgets_of(plan.turns, params)[layer] - plan.turns.recent
                                                    : rows_of_use(params, layer, plan.turns.prefix());
    std::uint64_t merged = 0;
    for (const auto & segment : sequence.rows.segments) {
        const kv::LayerRows & rows = segment->layer(layer);
        const bool of_turns = rows.total_rows() > 0 && index_of(rows.head(0).position(0)) >= sequence.prompt_tokens;
        merged += of_turns ? rows.total_rows() : 0;
    }
    return (std::uint64_t{2 * kept + plan.turns.recent + kv::Tail::kBlockRows} * shape.kv_heads + merged) *
           shape.row_bytes();
}

/// What comes and goes in one layer: keys in a float type, votes and their statistics, an observer's logits.
std::uint64_t passing_bytes(const MessagePlan & plan, const Session::Impl & session, const Sequence::Impl & sequence,
                            std::uint32_t layer) {
    constexpr std::uint64_t kStrip = 64;  // query rows that an observer is shown together, at most
    const std::uint32_t end = plan.queries.first + plan.queries.count;
    const std::uint32_t appended = end - sequence.next_position();
    const std::uint64_t rows = rows_with_message(sequence, layer, appended);
    const std::uint64_t pieces =
        rows / kv::Tail::kBlockRows + (sequence.rows.segments.size() + 2) * sequence.rows.shape(layer).kv_heads;
    const std::uint64_t group = session.params().heads / std::max(session.params().kv_heads, 1U);
    std::uint64_t bytes = FloatKeys::bytes(sequence.rows.shape(layer), rows);
    if (plan.turns.votes()) {
        bytes += std::uint64_t{session.params().heads} * plan.turns.prefix() *
                     attention::vote_planes(plan.turns.evidence) * sizeof(float) +
                 pieces * plan.turns.window * group * 2 * sizeof(float);
    }
    if (plan.turns.votes() && plan.turns.evidence == Evidence::Output) {
        // Rows of each head are padded.
        bytes += (attention::output_change_floats(static_cast<std::uint32_t>(rows)) +
                  sequence.rows.shape(layer).kv_heads * attention::output_change_floats(1)) *
                 sizeof(float);
    }
    if (plan.observer != nullptr) {
        bytes += session.compute.most_threads() * (kStrip + 1) * end * sizeof(float);
    }
    return bytes;
}

/// Sets memory aside and takes what the queries need.
void reserve(Session::Impl & session, const Sequence::Impl & sequence, MessagePlan & plan) {
    const model::HyperParameters & params = session.params();
    const std::uint64_t of_layer = plan.queries.count * plan.queries.floats * sizeof(float);
    std::uint64_t bytes = 0;
    std::uint64_t passing = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        bytes += plan.turns.compress ? shrunk_bytes(plan, params, sequence, layer) : 0;
        if (wants_queries(plan, params, layer)) {
            bytes += of_layer;
            passing = std::max(passing, passing_bytes(plan, session, sequence, layer));
        }
    }
    plan.work = std::make_shared<Meter>(std::vector{session.work});
    std::uint64_t unreserved = 0;
    plan.reserved = Reservation::take(bytes + passing, plan.work, unreserved);
    if (!plan.reserved) {
        raise_machine("{} needs {} MiB; {} MiB are available",
                      plan.turns.compress ? fmt::format("compressing turns of {} tokens", plan.turns.prefix())
                                          : fmt::format("observing {} positions", plan.queries.count),
                      (bytes + passing) >> 20U, unreserved >> 20U);
    }
    plan.queries.layers.resize(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (wants_queries(plan, params, layer)) {
            plan.queries.layers[layer] = Block(of_layer, plan.work);
        }
    }
}

/// The captured queries of a layer from a position on.
const float * queries_from(const CapturedQueries & queries, std::uint32_t layer, std::uint32_t position) {
    return queries.layers[layer].floats() + (position - queries.first) * queries.floats;
}

/// The votes on the turns' rows, which begin at position `first`, [KV head][group][turn].
Block turn_votes(Session::Impl & session, const Sequence::Impl & sequence, std::uint32_t layer,
                 const MessagePlan & plan, std::uint32_t first) {
    const std::uint32_t end = first + plan.turns.n;
    return cast_votes(session.compute,
                      {.spec = layer_spec(session.params(), Internals::of(session.model)->decoder, layer),
                       .shape = sequence.rows.shape(layer),
                       .queries = queries_from(plan.queries, layer, end - plan.turns.window),
                       .window = plan.turns.window,
                       .n = end,
                       .first = first,
                       .prefix = plan.turns.prefix(),
                       .evidence = plan.turns.evidence,
                       .rows = sequence.rows.views(layer)},
                      plan.work);
}

/// What the message's queries and later ones still see of the turns in a sliding layer, for each head.
HeadPositions last_seen(const Sequence::Impl & sequence, std::uint32_t layer, std::uint32_t window,
                        std::uint32_t message) {
    const std::uint32_t there = index_of(sequence.rows.tail.first() + sequence.rows.tail.first_row(layer));
    const std::uint32_t first = std::min(std::max(there, message - std::min(window, message)), message);
    return HeadPositions(sequence.rows.shape(layer).kv_heads, positions_from(Position{first}, message - first));
}

/// The positions of the turns' rows that win the vote, layer by layer.
std::vector<HeadPositions> voted(Session::Impl & session, const Sequence::Impl & sequence, const MessagePlan & plan) {
    const model::HyperParameters & params = session.params();
    const std::uint32_t first = index_of(sequence.rows.tail.first());
    std::vector<select::Mark> marks;
    if (plan.turns.cluster.reads_text()) {
        marks = text_marks(Internals::of(session.model)->vocabulary,
                           std::span(sequence.tokens).subspan(first, plan.turns.n));
    }
    const std::vector<std::uint32_t> budgets = budgets_of(plan.turns, params);
    std::optional<select::Flow> flow;
    if (plan.turns.flows()) {
        flow.emplace(plan.turns, voted_layers(params), params.kv_heads);
    }
    std::vector<HeadPositions> kept(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (!votes(params, layer)) {
            kept[layer] = last_seen(sequence, layer, params.window_of(layer), plan.message);
            continue;
        }
        const Block of_turns = plan.turns.votes() ? turn_votes(session, sequence, layer, plan, first) : Block();
        const std::span<const float> votes_of_layer(of_turns.floats(), of_turns.size() / sizeof(float));
        const std::uint32_t kv_heads = sequence.rows.shape(layer).kv_heads;
        if (flow) {
            flow->add_layer(layer_scores(session.compute, plan.turns, votes_of_layer, kv_heads, marks));
        } else {
            kept[layer] =
                choose_positions(session.compute, plan.turns, budgets[layer], votes_of_layer, kv_heads, marks);
        }
    }
    for (std::uint32_t layer = 0, index = 0; layer < params.layers; ++layer) {
        if (!votes(params, layer)) {
            continue;
        }
        if (flow) {
            kept[layer] = flowing_positions(plan.turns, flow->layers()[index++]);
        }
        for (std::vector<Position> & head : kept[layer]) {
            const Position message{plan.turns.prefix()};
            head.erase(std::lower_bound(head.begin(), head.end(), message), head.end());
            std::for_each(head.begin(), head.end(), [&](Position & position) { position = position + first; });
        }
    }
    return kept;
}

/// A layer's rows of the segments from `merged` on and those of the turns at the positions `kept`.
std::shared_ptr<const kv::LayerRows> packed_layer(Compute & compute, const Sequence::Impl & sequence,
                                                  std::uint32_t layer, std::size_t merged, HeadPositions kept) {
    const kv::LayerShape & shape = sequence.rows.shape(layer);
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        std::vector<Position> earlier;
        for (std::size_t index = merged; index < sequence.rows.segments.size(); ++index) {
            const kv::HeadRows rows = sequence.rows.segments[index]->layer(layer).head(head);
            for (std::uint32_t row = 0; row < rows.rows; ++row) {
                earlier.push_back(rows.position(row));
            }
        }
        kept[head].insert(kept[head].begin(), earlier.begin(), earlier.end());
    }
    const auto views = sequence.rows.views(layer);
    auto rows = std::make_shared<kv::LayerRows>(kv::LayerRows::packed_empty(*sequence.arena, shape, kept));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { kv::convert_rows(shape, views[head], kept[head], *rows, head); });
    return rows;
}

}  // namespace

MessagePlan plan_message(Session::Impl & session, const Sequence::Impl & sequence, const AppendOptions & options,
                         std::uint32_t tokens, TurnStats & stats) {
    const std::uint32_t pending = sequence.pending ? 1 : 0;
    MessagePlan plan;
    plan.message = sequence.next_position() + pending;
    if (options.observer.positions > tokens + pending) {
        raise_usage("{} positions are to be observed, {} are appended", options.observer.positions, tokens + pending);
    }
    plan.observer = options.observer.positions > 0 ? &options.observer : nullptr;
    if (options.compress) {
        const std::uint32_t turns = sequence.rows.tail.rows() + pending;
        if (sequence.eviction) {
            raise_field("cache.evict",
                        "the turns are to be compressed by a vote, and the sequence evicts as they come; expected "
                        "cache.evict off");
        }
        if (sequence.rows.tail.most()) {
            raise_field("cache.tail_budget",
                        "the turns are to be compressed by a vote, and cache.tail_budget holds the last {} rows of "
                        "what comes after the prompt; expected one of the two",
                        *sequence.rows.tail.most());
        }
        if (tokens == 0) {
            raise_usage("the turns are to be compressed by the vote of a message, and none is appended");
        }
        plan.turns = select::make_turn_plan(*options.compress, turns, tokens);
        stats.reason = turns == 0 ? "nothing came since the prompt" : plan.turns.reason;
    }
    const std::uint32_t captured = std::max(plan.turns.votes() ? plan.turns.window : 0, options.observer.positions);
    if (captured > 0 || plan.turns.compress) {
        plan.queries.count = captured;
        plan.queries.first = plan.message + tokens - captured;
        plan.queries.floats = std::size_t{session.params().heads} * session.params().key_size;
        reserve(session, sequence, plan);
    }
    return plan;
}

void observe_chunk(Session::Impl & session, const Sequence::Impl & sequence, const MessagePlan & plan,
                   std::uint32_t chunk) {
    const std::uint32_t end = sequence.next_position();
    const std::uint32_t observed = plan.queries.first + plan.queries.count - plan.observer->positions;
    const std::uint32_t begin = std::max(observed, end - chunk);
    for (std::uint32_t layer = 0; layer < session.params().layers && begin < end; ++layer) {
        if (session.params().layer_recurs(layer)) {
            continue;
        }
        FloatKeys keys = float_keys(session.compute, sequence.rows.shape(layer), sequence.rows.views(layer), plan.work);
        show_weights(session.compute, *plan.observer, layer,
                     {.spec = layer_spec(session.params(), Internals::of(session.model)->decoder, layer),
                      .shape = keys.shape,
                      .queries = queries_from(plan.queries, layer, begin),
                      .count = end - begin,
                      .n = end,
                      .rows = std::move(keys.views),
                      .work = plan.work});
    }
}

void shrink_turns(Session::Impl & session, Sequence::Impl & sequence, const MessagePlan & plan, TurnStats & stats) {
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<HeadPositions> kept = voted(session, sequence, plan);
    std::uint64_t rows = 0;
    TurnStats shrunk{.compressed = true};
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        for (const std::vector<Position> & head : kept[layer]) {
            rows += head.size();
            if (votes(session.params(), layer)) {
                shrunk.rows_before += plan.turns.prefix();
                shrunk.rows_kept += head.size();
            }
        }
    }
    const std::size_t merged =
        sequence.rows.first_merged(Position{static_cast<std::uint32_t>(sequence.prompt_tokens)}, rows);
    auto segment = std::make_shared<kv::Segment>();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        segment->add_layer(packed_layer(session.compute, sequence, layer, merged, kept[layer]));
    }
    sequence.rows.freeze(*sequence.arena, merged, std::move(segment), plan.turns.prefix());
    sequence.prompt_logits.clear();
    shrunk.compress_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    stats = shrunk;
}

}  // namespace snapkv::run
