#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "run/appended_rows.h"
#include "run/logits.h"
#include "run/stepper.h"
#include "run/store_span.h"

namespace snapkv::run {

namespace {

/// Room for a tree, apart from the sequence's.
TreeMemory memory_apart(const Sequence::Impl & sequence, std::uint32_t vocabulary) {
    constexpr std::uint32_t kRows = attention::TokenTree::kMost;
    const kv::Tail & tail = sequence.rows.tail;
    const std::uint64_t of_logits = std::uint64_t{kRows} * vocabulary * sizeof(float);
    std::uint64_t bytes = of_logits;
    for (const kv::LayerShape & shape : tail.shapes()) {
        bytes += kv::LayerRows::dense_bytes(shape, kRows);
    }
    const std::optional<Reservation> reserved = reserve_rows(bytes, *sequence.arena);
    TreeMemory memory;
    for (const kv::LayerShape & shape : tail.shapes()) {
        memory.rows.push_back(kv::LayerRows::dense(*sequence.arena, shape, kRows, tail.next()));
        memory.rows.back().set_rows(kRows);
    }
    memory.logits = sequence.arena->allocate(of_logits);
    return memory;
}

/// What the tokens see in a layer.
void fill_tree_queries(attention::QuerySpan & span, const Sequence::Impl & sequence, const attention::TokenTree & tree,
                       std::uint32_t layer) {
    const kv::Tail & tail = sequence.rows.tail;
    const kv::LayerRows & rows = sequence.tree_memory.rows[layer];
    span.row = 0;
    span.count = tree.size();
    span.first = tail.next();
    span.rows = sequence.rows.views(layer);
    const std::uint32_t begun = tail.rows() % kv::Tail::kBlockRows;
    span.tree = attention::TreeRows{.tree = &tree, .rows = {}, .room = begun > 0 ? kv::Tail::kBlockRows - begun : 0};
    for (std::uint32_t head = 0; head < rows.shape().kv_heads; ++head) {
        span.tree->rows.push_back(rows.head(head));
    }
}

/// Copies the rows of a path to the tail's last ones.
void copy_path(std::span<const kv::LayerRows> layers, std::span<const std::uint32_t> path, kv::Tail & tail) {
    for (std::uint32_t layer = 0; layer < layers.size(); ++layer) {
        const kv::LayerRows & rows = layers[layer];
        const kv::LayerShape & shape = rows.shape();
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const kv::HeadRows from = rows.head(head);
            for (std::uint32_t at = 0; at < path.size(); ++at) {
                const auto row = static_cast<std::uint32_t>(tail.rows() - path.size() + at);
                const kv::Tail::Place to = tail.place(layer, row);
                std::memcpy(to.keys + head * to.key_head_stride, from.keys + path[at] * shape.key_bytes(),
                            shape.key_bytes());
                if (!shape.values_in_keys) {
                    std::memcpy(to.values + head * to.value_head_stride, from.values + path[at] * shape.value_bytes(),
                                shape.value_bytes());
                }
            }
        }
    }
}

}  // namespace

void Stepper::tree(Sequence::Impl & sequence, PendingTree pending, Compute::Phase phase) {
    assert(pending.tokens.size() == pending.tree.size());
    assert(sequence.tokens.size() == sequence.next_position());
    sequence.tree.reset();
    if (sequence.tree_memory.rows.empty()) {
        sequence.tree_memory = memory_apart(sequence, params_.vocabulary);
    }
    const Feed feed{&sequence, pending.tokens};
    const bool recurs = params_.attending_layers() < params_.layers;
    if (step_port_->reusable() && !recurs) {
        fill_units(sequence, pending.tree, *step_port_);
        run(step_graph({&feed, 1}), sequence, pending, *step_port_, phase);
    } else {
        few_products_.clear();
        fill_units(sequence, pending.tree, *chunk_port_);
        Built built = build({&feed, 1}, {0, pending.tree.size()}, *chunk_port_, few_products_);
        chunk_allocator_.allocate(*built.graph);
        run(built, sequence, pending, *chunk_port_, phase);
    }
    sequence.tree = std::move(pending);
}

void Stepper::fill_units(Sequence::Impl & sequence, const attention::TokenTree & tree, attention::Port & port) const {
    for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
        attention::LayerUnit & unit = port.unit(layer);
        if (begin_unit(unit, sequence, layer)) {
            unit.stores.push_back(store_span(0, tree.size(), sequence.tree_memory.rows[layer], 0));
            unit.queries.resize(1);
            fill_tree_queries(unit.queries.front(), sequence, tree, layer);
        }
    }
}

void Stepper::run(const Built & built, Sequence::Impl & sequence, const PendingTree & pending, attention::Port & port,
                  Compute::Phase phase) {
    const std::uint32_t count = pending.tree.size();
    std::copy(pending.tokens.begin(), pending.tokens.end(), static_cast<Token *>(built.tokens->data));
    for (std::uint32_t token = 0; token < count; ++token) {
        static_cast<std::int32_t *>(built.positions->data)[token] =
            static_cast<std::int32_t>(sequence.next_position() + pending.tree.depth(token));
    }
    port.prepare(count, compute_.threads(phase));
    compute_.run(*built.graph, phase);
    const std::span<const float> logits(static_cast<const float *>(built.logits->data),
                                        std::size_t{count} * params_.vocabulary);
    for (std::uint32_t token = 0; token < count; ++token) {
        check_logits(logits.subspan(std::size_t{token} * params_.vocabulary, params_.vocabulary));
    }
    std::copy(logits.begin(), logits.end(), sequence.tree_memory.logits.floats());
}

void Stepper::keep(Sequence::Impl & sequence, std::uint32_t token, Compute::Phase phase) {
    const std::vector<Token> tokens = sequence.tree->path_to(token);
    const Feed feed{&sequence, tokens};
    const bool recurs = params_.attending_layers() < params_.layers;
    if (recurs && token + 1 < sequence.tree->tree.size()) {  // the state at hand is that after the last token
        sequence.tree.reset();
        turn(feed, phase);
        return;
    }
    AppendedRows rows({&feed, 1});
    copy_path(sequence.tree_memory.rows, sequence.tree->tree.path(token), sequence.rows.tail);
    save_prompt_logits(sequence, tokens.size());
    const std::span<const float> logits = sequence.logits_in_tree(token);
    sequence.logits.assign(logits.begin(), logits.end());
    sequence.state.advance();
    sequence.tree.reset();
    rows.keep();
}

}  // namespace snapkv::run
