#include "run/stepper.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/raise.h"
#include "base/reservation.h"
#include "run/layer_shape.h"
#include "run/logits.h"
#include "run/port.h"

namespace snapkv::run {

namespace {

std::uint32_t count_rows(std::span<const Feed> feeds) {
    return std::accumulate(feeds.begin(), feeds.end(), 0U, [](std::uint32_t sum, const Feed & feed) {
        return sum + static_cast<std::uint32_t>(feed.tokens.size());
    });
}

/// Where chunk rows from `row` on are written: the last `rows` rows of the tail, block by block.
void add_stores(attention::LayerUnit & unit, kv::Tail & tail, std::uint32_t layer, std::uint32_t row,
                std::uint32_t rows) {
    const std::uint32_t begin = tail.rows() - rows;
    for (std::uint32_t done = 0; done < rows;) {
        const kv::Tail::Place place = tail.place(layer, begin + done);
        const std::uint32_t count = std::min(place.count, rows - done);
        unit.stores.push_back(
            {row + done, count, place.keys, place.values, place.key_head_stride, place.value_head_stride});
        done += count;
    }
}

/// What the last `count` positions of a sequence see. Vectors of the last step are used again: a step allocates nothing
/// once they have grown.
void fill_queries(attention::QuerySpan & span, const Sequence::Impl & sequence, std::uint32_t layer, std::uint32_t row,
                  std::uint32_t count) {
    span.row = row;
    span.count = count;
    span.first = sequence.rows.tail.first() + (sequence.rows.tail.rows() - count);
    span.rows.resize(sequence.rows.tail.shapes()[layer].kv_heads);
    for (std::uint32_t head = 0; head < span.rows.size(); ++head) {
        std::vector<kv::HeadRows> & views = span.rows[head];
        views.clear();
        sequence.rows.view(layer, head, views);
    }
}

/// Those of the chunk's `count` rows, the tail's last, whose queries are wanted of the layer.
void add_captures(attention::LayerUnit & unit, const kv::Tail & tail, std::uint32_t layer, std::uint32_t count,
                  CapturedQueries & captured) {
    const std::uint32_t begin = std::max(index_of(tail.next()) - count, captured.first);
    const std::uint32_t end = std::min(index_of(tail.next()), captured.first + captured.count);
    if (begin < end && captured.layers[layer].size() > 0) {
        unit.captures.push_back({begin - (index_of(tail.next()) - count), end - begin,
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

void fill_positions(std::span<const Feed> feeds, ggml_tensor * tensor) {
    auto * positions = static_cast<std::int32_t *>(tensor->data);
    for (const Feed & feed : feeds) {
        const std::size_t count = feed.tokens.size();
        std::iota(positions, positions + count, static_cast<std::int32_t>(feed.sequence->next_position() - count));
        positions += count;
    }
}

/// Rows for the tokens of all feeds, for as long as nothing fails.
class AppendedRows {
public:
    /// Throws Error(Machine) with all tails as before.
    explicit AppendedRows(std::span<const Feed> feeds) : feeds_(feeds) {
        const std::optional<Reservation> reserved = reserve();
        try {
            for (; appended_ < feeds.size(); ++appended_) {
                tail(appended_).append(count(appended_));
            }
        } catch (...) {
            take_back();
            throw;
        }
    }
    ~AppendedRows() { take_back(); }
    AppendedRows(const AppendedRows &) = delete;
    AppendedRows & operator=(const AppendedRows &) = delete;

    void keep() { appended_ = 0; }

private:
    [[nodiscard]] kv::Tail & tail(std::size_t index) const { return feeds_[index].sequence->rows.tail; }
    [[nodiscard]] std::uint32_t count(std::size_t index) const {
        return static_cast<std::uint32_t>(feeds_[index].tokens.size());
    }
    /// Blocks are had for some hundred rows at once: mostly there is nothing to ask for.
    [[nodiscard]] std::optional<Reservation> reserve() const {
        std::uint64_t bytes = 0;
        for (std::size_t index = 0; index < feeds_.size(); ++index) {
            bytes += tail(index).append_bytes(count(index));
        }
        if (bytes == 0) {
            return std::nullopt;
        }
        std::uint64_t unreserved = 0;
        auto reserved = Reservation::take(bytes, feeds_.front().sequence->arena->shared_meter(), unreserved);
        if (!reserved) {
            raise_machine("further rows of keys and values need {} MiB; {} MiB are available", bytes >> 20U,
                          unreserved >> 20U);
        }
        return reserved;
    }
    void take_back() {
        for (; appended_ > 0; --appended_) {
            tail(appended_ - 1).truncate(tail(appended_ - 1).rows() - count(appended_ - 1));
        }
    }

    std::span<const Feed> feeds_;
    std::size_t appended_ = 0;
};

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

void Stepper::fill_units(std::span<const Feed> feeds, attention::Port & port, CapturedQueries * captured) const {
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        attention::LayerUnit & unit = port.unit(layer);
        if (params_.layer_recurs(layer)) {
            unit.spec = {};
            continue;
        }
        unit.spec = layer_spec(params_, decoder_, layer);
        unit.halt = &compute_.halt();
        unit.stores.clear();
        unit.captures.clear();
        unit.queries.resize(feeds.size());
        std::uint32_t row = 0;
        for (std::size_t index = 0; index < feeds.size(); ++index) {
            Sequence::Impl & sequence = *feeds[index].sequence;
            const auto count = static_cast<std::uint32_t>(feeds[index].tokens.size());
            unit.shape = sequence.rows.tail.shapes()[layer];
            add_stores(unit, sequence.rows.tail, layer, row, count);
            fill_queries(unit.queries[index], sequence, layer, row, count);
            if (captured != nullptr) {
                add_captures(unit, sequence.rows.tail, layer, count, *captured);
            }
            row += count;
        }
    }
}

Stepper::Built Stepper::build(std::span<const Feed> feeds, attention::Port & port, product::Products & products) const {
    Built built;
    std::size_t nodes = layer_nodes(params_, feeds.size()) * (params_.layers + std::size_t{1});
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        nodes += port.node_count(layer);
    }
    const std::uint32_t rows = count_rows(feeds);
    // Only the last token's logits are wanted.
    const RowRange output{feeds.size() == 1 ? rows - 1 : 0, rows};
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
    fill_positions(feeds, built.positions);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        for (std::size_t index = 0; index < built.states[layer].size(); ++index) {
            kv::RecurrentState & state = feeds[index].sequence->state;
            built.states[layer][index].bind(state.of(layer), state.next(layer));
        }
    }
    port.prepare(count_rows(feeds), compute_.threads(phase));
    compute_.run(*built.graph, phase);
    take_logits(feeds, built.logits);
}

void Stepper::take_logits(std::span<const Feed> feeds, const ggml_tensor * tensor) const {
    const auto * logits = static_cast<const float *>(tensor->data);
    for (std::size_t index = 0; index < feeds.size(); ++index) {
        check_logits({logits + index * params_.vocabulary, params_.vocabulary});
        Sequence::Impl & sequence = *feeds[index].sequence;  // what can fail comes first
        if (sequence.rows.tail.rows() == feeds[index].tokens.size() && sequence.prompt_logits.empty() &&
            index_of(sequence.rows.tail.first()) == sequence.prompt_tokens) {
            sequence.prompt_logits = sequence.logits;  // these are the first rows after the prompt
        }
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
        if (!step_.graph || step_.tokens->ne[0] != static_cast<std::int64_t>(feeds.size())) {
            step_ = {};
            step_products_.clear();
            Built built = build(feeds, *step_port_, step_products_);
            step_allocator_.allocate(*built.graph);
            step_ = std::move(built);
        }
        run(step_, feeds, *step_port_, phase);
    } else {
        run_once(feeds, few_products_, phase);
    }
    rows.keep();
}

void Stepper::run_once(std::span<const Feed> feeds, product::Products & products, Compute::Phase phase,
                       CapturedQueries * captured) {
    few_products_.clear();
    fill_units(feeds, *chunk_port_, captured);
    Built built = build(feeds, *chunk_port_, products);
    chunk_allocator_.allocate(*built.graph);
    run(built, feeds, *chunk_port_, phase);
}

void Stepper::turn(const Feed & feed, Compute::Phase phase, CapturedQueries * captured) {
    const auto count = static_cast<std::uint32_t>(feed.tokens.size());
    const std::span<const Feed> feeds(&feed, 1);
    if (count == 1 && captured == nullptr) {
        step(feeds, phase);
        return;
    }
    AppendedRows rows(feeds);
    if (count <= product::StepProducts::most_rows()) {
        run_once(feeds, few_products_, phase, captured);
    } else if (element_ && count >= PrefillProducts::kLeastRows) {
        turn_by_layers(feed, phase, captured);
    } else {
        run_once(feeds, chunk_products_, phase, captured);
    }
    rows.keep();
}

void Stepper::turn_by_layers(const Feed & feed, Compute::Phase phase, CapturedQueries * captured) {
    const auto rows = static_cast<std::uint32_t>(feed.tokens.size());
    const std::span<const Feed> feeds(&feed, 1);
    fill_units(feeds, *chunk_port_, captured);
    HiddenStates hidden(rows, params_.width, work_);
    {
        Graph graph(16);
        ggml_tensor * ids = graph.integers(rows);
        graph.expand(ggml_cpy(graph.ctx(), decoder_.embed(graph.ctx(), ids), hidden.view(graph.ctx(), 0, rows)));
        chunk_allocator_.allocate(graph);
        std::memcpy(ids->data, feed.tokens.data(), feed.tokens.size_bytes());
        compute_.run(graph, phase);
    }
    PrefillProducts products(decoder_, compute_, work_, element_);
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        products.begin_layer(layer);
        products.begin_graph();
        Graph graph(layer_nodes(params_) + chunk_port_->node_count(layer));
        ggml_tensor * positions = graph.integers(rows);
        LayerTask task = LayerTask::whole(layer, layer, hidden.view(graph.ctx(), 0, rows), positions);
        std::vector<model::StateSpan> states;
        if (params_.layer_recurs(layer)) {
            states = state_spans(feeds, layer);
            task.states = states;
        }
        LayerGraph{decoder_, *chunk_port_, products.products(), graph}.replace(task);
        chunk_allocator_.allocate(graph);
        fill_positions(feeds, positions);
        chunk_port_->prepare(rows, compute_.threads(phase));
        compute_.run(graph, phase);
    }
    Graph graph(layer_nodes(params_));
    ggml_tensor * logits = decoder_.logits(graph.ctx(), products.stored(), hidden.view(graph.ctx(), rows - 1, 1));
    ggml_set_output(logits);
    graph.expand(logits);
    chunk_allocator_.allocate(graph);
    compute_.run(graph, phase);
    take_logits(feeds, logits);
}

}  // namespace snapkv::run
