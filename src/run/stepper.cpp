#include "run/stepper.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "run/layer_shape.h"
#include "run/logits.h"
#include "run/port.h"

namespace snapkv::run {

namespace {

/// Where the last `rows` rows of the tail are written, block by block.
void fill_stores(attention::LayerUnit & unit, kv::Tail & tail, std::uint32_t layer, std::uint32_t rows) {
    unit.stores.clear();
    const std::uint32_t begin = tail.rows() - rows;
    for (std::uint32_t done = 0; done < rows;) {
        const kv::Tail::Place place = tail.place(layer, begin + done);
        const std::uint32_t count = std::min(place.count, rows - done);
        unit.stores.push_back({done, count, place.keys, place.values, place.key_head_stride, place.value_head_stride});
        done += count;
    }
}

/// A layer of all rows, its state that of `sequence`.
std::vector<model::StateTensors> recurrent_layer(const model::Decoder & decoder, Graph & graph,
                                                 product::Products & products, Sequence::Impl & sequence,
                                                 std::uint32_t layer, ggml_tensor *& x) {
    const model::StateSpan span{0, static_cast<std::uint32_t>(x->ne[1]), sequence.state.of(layer),
                                sequence.state.next(layer)};
    std::vector<model::StateTensors> states;
    x = decoder.recurrent_layer(graph.ctx(), graph.graph(), products, layer, x, {&span, 1}, states);
    return states;
}

/// The last of rows [size, rows].
ggml_tensor * last_row(ggml_context * ctx, ggml_tensor * x) {
    const std::int64_t rows = x->ne[1];
    return rows == 1 ? x : ggml_view_2d(ctx, x, x->ne[0], 1, x->nb[1], static_cast<std::size_t>(rows - 1) * x->nb[1]);
}

}  // namespace

Stepper::Stepper(const model::HyperParameters & params, const model::Decoder & decoder, Compute & compute,
                 AttentionPath attention, ProductPath products, std::shared_ptr<Meter> work)
    : params_(params),
      decoder_(decoder),
      compute_(compute),
      element_(PrefillProducts::choose(params, decoder, products)),
      work_(std::move(work)),
      step_port_(make_port(attention, params.layers)),
      chunk_port_(make_port(attention, params.layers)),
      step_products_(compute.most_threads()),
      few_products_(compute.most_threads()) {}

std::uint64_t Stepper::bytes() const {
    return step_allocator_.bytes() + chunk_allocator_.bytes() + step_port_->scratch_bytes() +
           chunk_port_->scratch_bytes() + step_products_.scratch_bytes() + few_products_.scratch_bytes();
}

void Stepper::fill_units(Sequence::Impl & sequence, std::uint32_t rows, attention::Port & port) const {
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        attention::LayerUnit & unit = port.unit(layer);
        if (params_.layer_recurs(layer)) {
            unit.spec = {};
            continue;
        }
        unit.spec = layer_spec(params_, decoder_, layer);
        unit.shape = sequence.tail.shapes()[layer];
        unit.halt = &compute_.halt();
        fill_stores(unit, sequence.tail, layer, rows);
        // Vectors of the last step are used again: a step allocates nothing once they have grown.
        unit.queries.resize(1);
        attention::QuerySpan & span = unit.queries.front();
        span.row = 0;
        span.count = rows;
        span.first = sequence.tail.first() + (sequence.tail.rows() - rows);
        span.rows.resize(params_.kv_heads);
        for (std::uint32_t head = 0; head < params_.kv_heads; ++head) {
            std::vector<kv::HeadRows> & views = span.rows[head];
            views.clear();
            for (const auto & segment : sequence.segments) {
                views.push_back(segment->layer(layer).head(head));
            }
            sequence.tail.view(layer, head, views);
        }
    }
}

Stepper::Built Stepper::build(Sequence::Impl & sequence, std::uint32_t rows, attention::Port & port,
                              product::Products & products) const {
    Built built;
    std::size_t nodes = layer_nodes(params_) * (params_.layers + std::size_t{1});
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        nodes += port.node_count(layer);
    }
    built.graph = std::make_unique<Graph>(nodes);
    ggml_context * ctx = built.graph->ctx();
    built.tokens = built.graph->integers(rows);
    built.positions = built.graph->integers(rows);
    ggml_tensor * x = decoder_.embed(ctx, built.tokens);
    built.states.resize(params_.layers);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        if (params_.layer_recurs(layer)) {
            built.states[layer] = recurrent_layer(decoder_, *built.graph, products, sequence, layer, x);
        } else {
            x = attending_layer(built, layer, port, products, x);
        }
    }
    // Only the last token's logits are wanted.
    x = last_row(ctx, x);
    built.logits = decoder_.logits(ctx, products, x);
    ggml_set_output(built.logits);
    built.graph->expand(built.logits);
    return built;
}

ggml_tensor * Stepper::attending_layer(Built & built, std::uint32_t layer, attention::Port & port,
                                       product::Products & products, ggml_tensor * x) const {
    ggml_context * ctx = built.graph->ctx();
    auto [q, k, v, gate] = decoder_.attention_input(ctx, products, layer, x, built.positions, model::Wanted::All);
    ggml_tensor * stored = port.store(ctx, built.graph->graph(), layer, k, v);
    ggml_tensor * attended = port.attend(ctx, built.graph->graph(), layer, q, stored);
    if (layer + 1 == params_.layers) {
        attended = last_row(ctx, attended);
        x = last_row(ctx, x);
        gate = gate == nullptr ? nullptr : last_row(ctx, gate);
    }
    return decoder_.finish_layer(ctx, products, layer, x, attended, gate);
}

void Stepper::run(Built & built, Sequence::Impl & sequence, std::span<const Token> tokens, attention::Port & port,
                  Compute::Phase phase) {
    std::memcpy(built.tokens->data, tokens.data(), tokens.size_bytes());
    auto * positions = static_cast<std::int32_t *>(built.positions->data);
    std::iota(positions, positions + tokens.size(),
              static_cast<std::int32_t>(sequence.next_position() - tokens.size()));
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        for (model::StateTensors & state : built.states[layer]) {
            state.bind(sequence.state.of(layer), sequence.state.next(layer));
        }
    }
    port.prepare(static_cast<std::uint32_t>(tokens.size()), compute_.threads(phase));
    compute_.run(*built.graph, phase);
    take_logits(sequence, built.logits);
    sequence.state.advance();
}

void Stepper::run_layer(Sequence::Impl & sequence, std::uint32_t layer, PrefillProducts & products,
                        HiddenStates & hidden, const std::vector<std::int32_t> & positions, Compute::Phase phase) {
    const auto rows = static_cast<std::uint32_t>(positions.size());
    products.begin_layer(layer);
    products.begin_graph();
    Graph graph(layer_nodes(params_) + chunk_port_->node_count(layer));
    ggml_context * ctx = graph.ctx();
    ggml_tensor * at = graph.integers(rows);
    ggml_tensor * x = hidden.view(ctx, 0, rows);
    ggml_tensor * finished = x;
    if (params_.layer_recurs(layer)) {
        recurrent_layer(decoder_, graph, products.products(), sequence, layer, finished);
    } else {
        const auto [q, k, v, gate] =
            decoder_.attention_input(ctx, products.products(), layer, x, at, model::Wanted::All);
        ggml_tensor * stored = chunk_port_->store(ctx, graph.graph(), layer, k, v);
        ggml_tensor * attended = chunk_port_->attend(ctx, graph.graph(), layer, q, stored);
        finished = decoder_.finish_layer(ctx, products.products(), layer, x, attended, gate);
    }
    graph.expand(finished->data == x->data ? finished : ggml_cpy(ctx, finished, x));
    chunk_allocator_.allocate(graph);
    std::copy(positions.begin(), positions.end(), static_cast<std::int32_t *>(at->data));
    chunk_port_->prepare(rows, compute_.threads(phase));
    compute_.run(graph, phase);
}

void Stepper::feed_layers(Sequence::Impl & sequence, std::span<const Token> tokens, Compute::Phase phase) {
    const auto rows = static_cast<std::uint32_t>(tokens.size());
    HiddenStates hidden(rows, params_.width, work_);
    {
        Graph graph(16);
        ggml_tensor * ids = graph.integers(rows);
        graph.expand(ggml_cpy(graph.ctx(), decoder_.embed(graph.ctx(), ids), hidden.view(graph.ctx(), 0, rows)));
        chunk_allocator_.allocate(graph);
        std::memcpy(ids->data, tokens.data(), tokens.size_bytes());
        compute_.run(graph, phase);
    }
    std::vector<std::int32_t> positions(rows);
    std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(sequence.next_position() - rows));
    PrefillProducts products(decoder_, compute_, work_, element_);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        run_layer(sequence, layer, products, hidden, positions, phase);
    }
    Graph graph(layer_nodes(params_));
    ggml_tensor * logits = decoder_.logits(graph.ctx(), products.stored(), hidden.view(graph.ctx(), rows - 1, 1));
    ggml_set_output(logits);
    graph.expand(logits);
    chunk_allocator_.allocate(graph);
    compute_.run(graph, phase);
    take_logits(sequence, logits);
    sequence.state.advance();
}

void Stepper::take_logits(Sequence::Impl & sequence, const ggml_tensor * tensor) const {
    const auto * logits = static_cast<const float *>(tensor->data);
    check_logits({logits, params_.vocabulary});
    sequence.logits.assign(logits, logits + params_.vocabulary);
}

void Stepper::feed(Sequence::Impl & sequence, std::span<const Token> tokens, Compute::Phase phase) {
    const auto rows = static_cast<std::uint32_t>(tokens.size());
    const std::uint32_t before = sequence.tail.rows();
    try {
        sequence.tail.append(rows);
        if (rows == 1 && step_port_->reusable()) {
            fill_units(sequence, rows, *step_port_);
            if (!step_.graph) {
                Built built = build(sequence, rows, *step_port_, step_products_);
                step_allocator_.allocate(*built.graph);
                step_ = std::move(built);
            }
            run(step_, sequence, tokens, *step_port_, phase);
        } else {
            fill_units(sequence, rows, *chunk_port_);
            if (element_ && rows >= PrefillProducts::least_rows(*element_)) {
                feed_layers(sequence, tokens, phase);
                return;
            }
            few_products_.clear();
            const bool few = rows <= product::StepProducts::kMostRows;
            Built built = few ? build(sequence, rows, *chunk_port_, few_products_)
                              : build(sequence, rows, *chunk_port_, chunk_products_);
            chunk_allocator_.allocate(*built.graph);
            run(built, sequence, tokens, *chunk_port_, phase);
        }
    } catch (...) {
        sequence.tail.truncate(before);
        throw;
    }
}

}  // namespace snapkv::run
