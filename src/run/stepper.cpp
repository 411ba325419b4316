#include "run/stepper.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "base/reservation.h"
#include "run/appended_rows.h"
#include "run/embed.h"
#include "run/hidden_states.h"
#include "run/layer_shape.h"
#include "run/logits.h"
#include "run/port.h"
#include "run/prefill_bytes.h"

namespace snapkv::run {

namespace {

std::uint32_t count_rows(std::span<const Feed> feeds) {
    return std::accumulate(feeds.begin(), feeds.end(), 0U, [](std::uint32_t sum, const Feed & feed) {
        return sum + static_cast<std::uint32_t>(feed.tokens.size());
    });
}

/// The rows whose logits are wanted: of one sequence the last `of_one`.
RowRange last_rows(std::span<const Feed> feeds, std::uint32_t of_one) {
    const std::uint32_t rows = count_rows(feeds);
    return {feeds.size() == 1 ? rows - of_one : 0, rows};
}

/// All rows that the feeds' tokens have, in the order of the feeds.
std::vector<FedRows> all_rows(std::span<const Feed> feeds) {
    std::vector<FedRows> rows;
    std::uint32_t row = 0;
    for (const Feed & feed : feeds) {
        const auto count = static_cast<std::uint32_t>(feed.tokens.size());
        rows.push_back({feed.sequence, row, feed.sequence->rows.tail.rows() - count, count});
        row += count;
    }
    return rows;
}

/// Where the rows are written, block by block.
void add_stores(attention::LayerUnit & unit, std::uint32_t layer, const FedRows & rows) {
    for (std::uint32_t done = 0; done < rows.count;) {
        const kv::Tail::Place place = rows.sequence->rows.tail.place(layer, rows.first + done);
        const std::uint32_t count = std::min(place.count, rows.count - done);
        unit.stores.push_back(
            {rows.row + done, count, place.keys, place.values, place.key_head_stride, place.value_head_stride});
        done += count;
    }
}

/// The views without their last rows.
void leave_out(std::vector<kv::HeadRows> & views, std::uint32_t rows) {
    while (rows > 0) {
        const std::uint32_t of_last = std::min(rows, views.back().rows);
        views.back().rows -= of_last;
        rows -= of_last;
        if (views.back().rows == 0) {
            views.pop_back();
        }
    }
}

/// What the rows see: nothing behind them, which may not be written yet. Vectors of the last step are used again.
void fill_queries(attention::QuerySpan & span, std::uint32_t layer, const FedRows & rows) {
    const kv::RowStore & store = rows.sequence->rows;
    span.row = rows.row;
    span.count = rows.count;
    span.first = store.tail.first() + rows.first;
    span.tree.reset();
    span.rows.resize(store.shape(layer).kv_heads);
    for (std::uint32_t head = 0; head < span.rows.size(); ++head) {
        std::vector<kv::HeadRows> & views = span.rows[head];
        views.clear();
        store.view(layer, head, views);
        leave_out(views, store.tail.rows() - rows.first - rows.count);
    }
}

/// Those of the rows whose queries are wanted of the layer.
void add_captures(attention::LayerUnit & unit, std::uint32_t layer, const FedRows & rows, CapturedQueries & captured) {
    const std::uint32_t first = index_of(rows.sequence->rows.tail.first() + rows.first);
    const std::uint32_t begin = std::max(first, captured.first);
    const std::uint32_t end = std::min(first + rows.count, captured.first + captured.count);
    if (begin < end && captured.layers[layer].size() > 0) {
        unit.captures.push_back({rows.row + begin - first, end - begin,
                                 captured.layers[layer].floats() + (begin - captured.first) * captured.floats});
    }
}

/// The states of a layer that recurs, before and after each feed.
std::vector<model::StateSpan> state_spans(std::span<const Feed> feeds, std::uint32_t layer) {
    std::vector<model::StateSpan> spans;
    std::uint32_t row = 0;
    for (const Feed & feed : feeds) {
        kv::RecurrentState & state = feed.sequence->state;
        const auto count = static_cast<std::uint32_t>(feed.tokens.size());
        spans.push_back({row, count, state.of(layer), state.next(layer)});
        row += count;
    }
    return spans;
}

void fill_positions(std::span<const FedRows> rows, ggml_tensor * tensor) {
    auto * positions = static_cast<std::int32_t *>(tensor->data);
    for (const FedRows & of : rows) {
        const Position first = of.sequence->rows.tail.first() + of.first;
        std::iota(positions + of.row, positions + of.row + of.count, static_cast<std::int32_t>(index_of(first)));
    }
}

const float * floats_of(const ggml_tensor * tensor) {
    return static_cast<const float *>(tensor->data);
}

}  // namespace

Stepper::Stepper(const model::HyperParameters & params, const model::Decoder & decoder, Compute & compute,
                 AttentionPath attention, ProductPath products, std::uint32_t batch, std::shared_ptr<Meter> work)
    : params_(params),
      decoder_(decoder),
      compute_(compute),
      element_(PrefillProducts::choose(params, decoder, products)),
      batch_(batch),
      work_(std::move(work)),
      step_port_(make_port(attention, params.layers)),
      chunk_port_(make_port(attention, params.layers)),
      step_products_(compute.most_threads()),
      few_products_(compute.most_threads()) {}

std::uint64_t Stepper::bytes() const {
    return step_allocator_.bytes() + chunk_allocator_.bytes() + step_port_->scratch_bytes() +
           chunk_port_->scratch_bytes() + step_products_.scratch_bytes() + few_products_.scratch_bytes();
}

bool Stepper::begin_unit(attention::LayerUnit & unit, const Sequence::Impl & sequence, std::uint32_t layer) const {
    if (params_.layer_recurs(layer)) {
        unit.spec = {};
        return false;
    }
    unit.spec = layer_spec(params_, decoder_, layer);
    unit.shape = sequence.rows.shape(layer);
    unit.halt = &compute_.halt();
    unit.stores.clear();
    unit.captures.clear();
    return true;
}

void Stepper::fill_unit(std::uint32_t layer, std::span<const FedRows> rows, attention::Port & port,
                        CapturedQueries * captured) const {
    attention::LayerUnit & unit = port.unit(layer);
    if (!begin_unit(unit, *rows.front().sequence, layer)) {
        return;
    }
    unit.queries.resize(rows.size());
    for (std::size_t index = 0; index < rows.size(); ++index) {
        add_stores(unit, layer, rows[index]);
        fill_queries(unit.queries[index], layer, rows[index]);
        if (captured != nullptr) {
            add_captures(unit, layer, rows[index], *captured);
        }
        if (Sequence::Impl & sequence = *rows[index].sequence; sequence.eviction) {
            sequence.eviction->add_captures(unit, layer, rows[index].row, rows[index].count,
                                            sequence.rows.tail.rows() - rows[index].first);
        }
    }
}

void Stepper::fill_units(std::span<const Feed> feeds, attention::Port & port, CapturedQueries * captured) const {
    const std::vector<FedRows> rows = all_rows(feeds);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        fill_unit(layer, rows, port, captured);
    }
}

Stepper::Built Stepper::build(std::span<const Feed> feeds, RowRange output, attention::Port & port,
                              product::Products & products) const {
    Built built;
    std::size_t nodes = layer_nodes(params_, feeds.size()) * (params_.layers + std::size_t{1});
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        nodes += port.node_count(layer);
    }
    const std::uint32_t rows = count_rows(feeds);
    built.graph = std::make_unique<Graph>(nodes);
    ggml_context * ctx = built.graph->ctx();
    built.tokens = built.graph->integers(rows);
    built.positions = built.graph->integers(rows);
    LayerGraph graph{decoder_, port, products, *built.graph};
    ggml_tensor * x = decoder_.embed(ctx, built.tokens);
    built.states.resize(params_.layers);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        LayerTask task = LayerTask::whole(layer, layer, x, built.positions);
        std::vector<model::StateSpan> states;
        if (params_.layer_recurs(layer)) {
            states = state_spans(feeds, layer);
            task.states = states;
        }
        if (layer + 1 == params_.layers) {
            task.output = output;
        }
        x = graph.add(task, built.states[layer]);
    }
    built.logits = decoder_.logits(ctx, products, x);
    ggml_set_output(built.logits);
    built.graph->expand(built.logits);
    return built;
}

void Stepper::run(Built & built, std::span<const Feed> feeds, attention::Port & port, Compute::Phase phase) {
    auto * tokens = static_cast<Token *>(built.tokens->data);
    for (const Feed & feed : feeds) {
        tokens = std::copy(feed.tokens.begin(), feed.tokens.end(), tokens);
    }
    fill_positions(all_rows(feeds), built.positions);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        for (std::size_t index = 0; index < built.states[layer].size(); ++index) {
            kv::RecurrentState & state = feeds[index].sequence->state;
            built.states[layer][index].bind(state.of(layer), state.next(layer));
        }
    }
    port.prepare(count_rows(feeds), compute_.threads(phase));
    compute_.run(*built.graph, phase);
}

void Stepper::save_prompt_logits(Sequence::Impl & sequence, std::size_t count) {
    if (sequence.rows.tail.rows() == count && sequence.prompt_logits.empty() &&
        index_of(sequence.rows.tail.first()) == sequence.prompt_tokens) {
        sequence.prompt_logits = sequence.logits;
    }
}

void Stepper::take_logits(std::span<const Feed> feeds, const float * logits) const {
    for (std::size_t index = 0; index < feeds.size(); ++index) {
        check_logits({logits + index * params_.vocabulary, params_.vocabulary});
        Sequence::Impl & sequence = *feeds[index].sequence;  // what can fail comes first
        save_prompt_logits(sequence, feeds[index].tokens.size());
        sequence.logits.resize(params_.vocabulary);
    }
    for (const Feed & feed : feeds) {
        feed.sequence->logits.assign(logits, logits + params_.vocabulary);
        feed.sequence->state.advance();
        logits += params_.vocabulary;
    }
}

void Stepper::step(std::span<const Feed> feeds, Compute::Phase phase) {
    assert(std::all_of(feeds.begin(), feeds.end(), [](const Feed & feed) { return feed.tokens.size() == 1; }));
    AppendedRows rows(feeds);
    if (step_port_->reusable()) {
        fill_units(feeds, *step_port_);
        run(step_graph(feeds), feeds, *step_port_, phase);
        decide_evictions(feeds);
        take_logits(feeds, floats_of(step_.logits));
    } else {
        const Built built = run_once(feeds, phase);
        decide_evictions(feeds);
        take_logits(feeds, floats_of(built.logits));
    }
    rows.keep();
}

void Stepper::decide_evictions(std::span<const Feed> feeds) {
    const Eviction::SpecOf spec_of = [this](std::uint32_t layer) { return layer_spec(params_, decoder_, layer); };
    for (const Feed & feed : feeds) {
        if (feed.sequence->eviction) {
            feed.sequence->eviction->decide(compute_, spec_of, feed.sequence->rows, work_);
        }
    }
}

Stepper::Built & Stepper::step_graph(std::span<const Feed> feeds) {
    const std::uint32_t rows = count_rows(feeds);
    bool captures = false;
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        captures = captures || !step_port_->unit(layer).captures.empty();
    }
    if (!step_.graph || step_.tokens->ne[0] != rows || step_.captures != captures) {
        step_ = {};
        step_products_.clear();
        Built built = build(feeds, {0, rows}, *step_port_, step_products_);
        step_allocator_.allocate(*built.graph);
        step_ = std::move(built);
        step_.captures = captures;
    }
    return step_;
}

Stepper::Built Stepper::run_once(std::span<const Feed> feeds, Compute::Phase phase, const TurnWants & wants) {
    few_products_.clear();
    fill_units(feeds, *chunk_port_, wants.captured);
    Built built = build(feeds, last_rows(feeds, std::max(wants.logit_rows, 1U)), *chunk_port_, few_products_);
    chunk_allocator_.allocate(*built.graph);
    run(built, feeds, *chunk_port_, phase);
    return built;
}

std::size_t Stepper::turn_size(std::size_t tokens) const {
    constexpr std::size_t kMostChunks = 8;  // by then copying weights costs next to nothing, and hidden states do
    if (!element_) {
        return std::min<std::size_t>(tokens, batch_);
    }
    const std::size_t size = std::min(tokens, kMostChunks * batch_);
    const std::size_t last = size % batch_;
    return size > batch_ && last < PrefillProducts::kLeastRows ? size - last : size;
}

std::size_t Stepper::fewer(std::size_t tokens) const {
    const std::size_t chunks = (tokens + batch_ - 1) / batch_;
    return chunks > 1 ? chunks / 2 * batch_ : tokens;
}

void Stepper::turn(const Feed & feed, Compute::Phase phase, const TurnWants & wants) {
    const auto count = static_cast<std::uint32_t>(feed.tokens.size());
    assert(count == turn_size(count) && wants.logit_rows <= count);
    const std::span<const Feed> feeds(&feed, 1);
    const auto tell_all = [&](const float * logits) {
        if (wants.logit_rows > 0) {
            wants.on_logits(count - wants.logit_rows, {logits, std::size_t{wants.logit_rows} * params_.vocabulary});
        }
    };
    if (count == 1 && wants.captured == nullptr && wants.logit_rows == 0) {
        step(feeds, phase);
        return;
    }
    AppendedRows rows(feeds);
    if (count <= product::StepProducts::most_rows()) {
        const Built built = run_once(feeds, phase, wants);
        decide_evictions(feeds);
        tell_all(floats_of(built.logits));
        take_logits(feeds, floats_of(built.logits) + (built.logits->ne[1] - 1) * params_.vocabulary);
    } else {
        turn_by_layers(feed, phase, wants);
    }
    rows.keep();
}

void Stepper::turn_by_layers(const Feed & feed, Compute::Phase phase, const TurnWants & wants) {
    const auto rows = static_cast<std::uint32_t>(feed.tokens.size());
    const auto element = rows >= PrefillProducts::kLeastRows ? element_ : std::nullopt;
    const auto taken = std::make_shared<Meter>(std::vector{work_});
    const Reservation reserved =
        Reservation::require(HiddenStates::bytes(rows, params_.width) + logit_bytes(wants.logit_rows, params_) +
                                 PrefillProducts::bytes(decoder_, compute_, element),
                             taken, "hidden states and packed weights of a turn");
    HiddenStates hidden(rows, params_.width, taken);
    embed(decoder_, compute_, chunk_allocator_, feed.tokens, batch_, hidden);
    // One layer's unit is in use at a time; what earlier graphs left in the others is of other rows.
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        chunk_port_->unit(layer) = {};
    }
    PrefillProducts products(decoder_, compute_, taken, element);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        products.begin_layer(layer);
        run_layer(feed, products, hidden, layer, phase, wants);
    }
    decide_evictions({&feed, 1});
    for (std::uint32_t first = rows - std::max(wants.logit_rows, 1U); first < rows;) {
        // The last row is alone, so that its logits do not depend on how many are wanted.
        const std::uint32_t count = first + 1 < rows ? std::min(HiddenStates::kLeastRows, rows - 1 - first) : 1;
        Graph graph(layer_nodes(params_));
        ggml_tensor * logits = decoder_.logits(graph.ctx(), products.stored(), hidden.view(graph.ctx(), first, count));
        ggml_set_output(logits);
        graph.expand(logits);
        chunk_allocator_.allocate(graph);
        compute_.run(graph, phase);
        if (wants.logit_rows > 0) {
            wants.on_logits(first, {floats_of(logits), std::size_t{count} * params_.vocabulary});
        }
        first += count;
        if (first == rows) {
            take_logits({&feed, 1}, floats_of(logits) + std::size_t{count - 1} * params_.vocabulary);
        }
    }
}

void Stepper::run_layer(const Feed & feed, PrefillProducts & products, HiddenStates & hidden, std::uint32_t layer,
                        Compute::Phase phase, const TurnWants & wants) {
    const std::uint32_t rows = hidden.rows();
    const std::uint32_t begin = feed.sequence->rows.tail.rows() - rows;
    kv::RecurrentState & state = feed.sequence->state;
    // The state goes from chunk to chunk; the last one leaves it where the turn's next state belongs.
    const bool carries = params_.layer_recurs(layer) && rows > batch_;
    Block carried = carries ? Block(state.floats(layer) * sizeof(float), work_) : Block();
    float * before = params_.layer_recurs(layer) ? state.of(layer) : nullptr;
    for (std::uint32_t first = 0; first < rows; first += batch_) {
        const FedRows chunk{feed.sequence, 0, begin + first, std::min(batch_, rows - first)};
        products.begin_graph();
        Graph graph(layer_nodes(params_) + chunk_port_->node_count(layer));
        ggml_tensor * positions = graph.integers(chunk.count);
        LayerTask task = LayerTask::whole(layer, layer, hidden.view(graph.ctx(), first, chunk.count), positions);
        model::StateSpan span;
        if (params_.layer_recurs(layer)) {
            const std::uint32_t to_come = (rows - first - 1) / batch_;
            span = {0, chunk.count, before, to_come % 2 == 0 ? state.next(layer) : carried.floats()};
            before = span.after;
            task.states = {&span, 1};
        }
        fill_unit(layer, {&chunk, 1}, *chunk_port_, wants.captured);
        LayerGraph{decoder_, *chunk_port_, products.products(), graph}.replace(task);
        chunk_allocator_.allocate(graph);
        fill_positions({&chunk, 1}, positions);
        chunk_port_->prepare(chunk.count, compute_.threads(phase));
        compute_.run(graph, phase);
        if (wants.on_progress) {
            wants.on_progress((layer + static_cast<double>(first + chunk.count) / rows) / params_.layers);
        }
    }
    chunk_port_->unit(layer) = {};
}

}  // namespace snapkv::run
