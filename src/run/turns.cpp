#include "run/turns.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "attention/vote.h"
#include "base/raise.h"
#include "run/layer_shape.h"
#include "run/text_marks.h"
#include "run/voting.h"

namespace snapkv::run {

namespace {

using HeadPositions = std::vector<std::vector<std::uint32_t>>;

bool votes(const model::HyperParameters & params, std::uint32_t layer) {
    return !params.layer_recurs(layer) && params.window_of(layer) == 0;
}

bool is_quantised(const kv::LayerShape & shape) {
    return snapkv::is_quantised(shape.type.key) || snapkv::is_quantised(shape.type.value);
}

/// Float32 copies of `rows` quantised rows of each head.
std::uint64_t copy_bytes(const kv::LayerShape & shape, std::uint32_t rows) {
    kv::LayerShape copies = shape;
    copies.type = KvType::F32;
    return is_quantised(shape) ? std::uint64_t{rows} * shape.kv_heads * copies.row_bytes() : 0;
}

/// Sets aside what shrinking and observing take, the captured queries included.
void reserve(Session::Impl & session, const Sequence::Impl & sequence, MessagePlan & plan) {
    const model::HyperParameters & params = session.params();
    const std::uint32_t end = plan.queries.first + plan.queries.count;
    const std::uint32_t turns = plan.turns.compress ? plan.turns.prefix() : 0;
    std::uint64_t bytes = 0;
    std::uint64_t passing = 0;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const kv::LayerShape & shape = sequence.rows.shape(layer);
        const bool observed = plan.observer != nullptr && !params.layer_recurs(layer);
        const bool voted = plan.turns.compress && votes(params, layer);
        if (plan.turns.compress) {
            const std::uint32_t kept =
                voted ? plan.turns.budget - plan.turns.recent : rows_of_use(params, layer, turns);
            bytes +=
                std::uint64_t{kept + plan.turns.recent + kv::Tail::kBlockRows} * shape.kv_heads * shape.row_bytes();
        }
        if (voted || observed) {
            bytes += plan.queries.count * plan.queries.floats * sizeof(float);
            passing = std::max(passing, copy_bytes(shape, end) + attention::vote_bytes(params.attention_spec(layer),
                                                                                       end, turns, plan.turns.window));
        }
    }
    std::uint64_t unreserved = 0;
    plan.reserved = Reservation::take(bytes + passing, session.memory, unreserved);
    if (!plan.reserved) {
        raise_machine("compressing {} tokens, and observing, need {} MiB; {} MiB are available", turns,
                      (bytes + passing) >> 20U, unreserved >> 20U);
    }
    plan.queries.layers.resize(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if ((plan.turns.compress && votes(params, layer)) ||
            (plan.observer != nullptr && !params.layer_recurs(layer))) {
            plan.queries.layers[layer] = Block(plan.queries.count * plan.queries.floats * sizeof(float), session.work);
        }
    }
}

/// The queries of a layer's last `count` positions.
const float * last_queries(const CapturedQueries & queries, std::uint32_t layer, std::uint32_t count) {
    return queries.layers[layer].floats() + (queries.count - count) * queries.floats;
}

/// The votes on the turns' rows, which begin at position `first`, [KV head][group][turn].
Block turn_votes(Session::Impl & session, const Sequence::Impl & sequence, std::uint32_t layer,
                 const MessagePlan & plan, std::uint32_t first) {
    kv::Arena arena({session.work});
    FloatRows rows = float_rows(session.compute, arena, sequence.rows.shape(layer), sequence.rows.views(layer));
    return cast_votes(session.compute,
                      {.spec = layer_spec(session.params(), Internals::of(session.model)->decoder, layer),
                       .shape = rows.shape,
                       .queries = last_queries(plan.queries, layer, plan.turns.window),
                       .window = plan.turns.window,
                       .n = first + plan.turns.n,
                       .first = first,
                       .prefix = plan.turns.prefix(),
                       .evidence = plan.turns.evidence,
                       .rows = std::move(rows.views)},
                      session.work);
}

/// What a sliding layer still sees of the turns, for each head.
HeadPositions last_seen(const Sequence::Impl & sequence, std::uint32_t layer, std::uint32_t window,
                        std::uint32_t message) {
    const std::uint32_t there = index_of(sequence.rows.tail.first() + sequence.rows.tail.first_row(layer));
    const std::uint32_t first = std::min(std::max(there, message - std::min(window, message)), message);
    std::vector<std::uint32_t> positions(message - first);
    std::iota(positions.begin(), positions.end(), first);
    return HeadPositions(sequence.rows.shape(layer).kv_heads, positions);
}

}  // namespace

MessagePlan plan_message(Session::Impl & session, const Sequence::Impl & sequence, const AppendOptions & options,
                         std::uint32_t tokens, TurnStats & stats) {
    const std::uint32_t fed = tokens + (sequence.pending ? 1 : 0);
    MessagePlan plan;
    plan.message = sequence.next_position() + (sequence.pending ? 1 : 0);
    if (options.observer.positions > fed) {
        raise_usage("{} positions are to be observed, {} are appended", options.observer.positions, fed);
    }
    plan.observer = options.observer.positions > 0 ? &options.observer : nullptr;
    if (options.compress) {
        const std::uint32_t turns = sequence.rows.tail.rows() + (sequence.pending ? 1 : 0);
        if (tokens == 0) {
            raise_usage("the turns are to be compressed by the vote of a message, and none is appended");
        }
        if (turns == 0) {
            stats.reason = "nothing came since the prompt";
        } else {
            plan.turns = select::make_turn_plan(*options.compress, turns, tokens);
            stats.reason = plan.turns.reason;
        }
    }
    const std::uint32_t captured = std::max(plan.turns.compress ? plan.turns.window : 0, options.observer.positions);
    if (captured > 0) {
        plan.queries.count = captured;
        plan.queries.first = plan.message + tokens - captured;
        plan.queries.floats = std::size_t{session.params().heads} * session.params().key_size;
        reserve(session, sequence, plan);
    }
    return plan;
}

void observe_message(Session::Impl & session, const Sequence::Impl & sequence, const MessagePlan & plan) {
    const std::uint32_t positions = plan.observer->positions;
    for (std::uint32_t layer = 0; layer < session.params().layers; ++layer) {
        if (session.params().layer_recurs(layer)) {
            continue;
        }
        kv::Arena arena({session.work});
        FloatRows rows = float_rows(session.compute, arena, sequence.rows.shape(layer), sequence.rows.views(layer));
        show_weights(session.compute, *plan.observer, layer,
                     {.spec = layer_spec(session.params(), Internals::of(session.model)->decoder, layer),
                      .shape = rows.shape,
                      .queries = last_queries(plan.queries, layer, positions),
                      .count = positions,
                      .n = sequence.next_position(),
                      .rows = std::move(rows.views),
                      .work = session.work});
    }
}

void shrink_turns(Session::Impl & session, Sequence::Impl & sequence, const MessagePlan & plan, TurnStats & stats) {
    const auto begin = std::chrono::steady_clock::now();
    const model::HyperParameters & params = session.params();
    const std::uint32_t first = index_of(sequence.rows.tail.first());
    const std::uint32_t turns = plan.turns.prefix();
    std::vector<select::Mark> marks;
    if (plan.turns.cluster.reads_text()) {
        marks = text_marks(Internals::of(session.model)->vocabulary,
                           std::span(sequence.tokens).subspan(first, plan.turns.n));
    }
    std::vector<HeadPositions> kept_of_layers;
    TurnStats shrunk{.compressed = true};
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        HeadPositions & kept = kept_of_layers.emplace_back();
        if (!votes(params, layer)) {
            kept = last_seen(sequence, layer, params.window_of(layer), plan.message);
            continue;
        }
        const Block of_turns = turn_votes(session, sequence, layer, plan, first);
        kept = choose_positions(session.compute, plan.turns, {of_turns.floats(), of_turns.size() / sizeof(float)},
                                sequence.rows.shape(layer).kv_heads, marks);
        for (std::vector<std::uint32_t> & head : kept) {
            head.erase(std::lower_bound(head.begin(), head.end(), turns), head.end());  // the message's own
            for (std::uint32_t & position : head) {
                position += first;
            }
            shrunk.rows_before += turns;
            shrunk.rows_kept += head.size();
        }
    }
    sequence.rows.freeze(*sequence.arena, turns, kept_of_layers);
    sequence.prompt_logits.clear();
    shrunk.compress_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    stats = shrunk;
}

}  // namespace snapkv::run
