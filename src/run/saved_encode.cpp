#include <algorithm>
#include <cassert>

#include "run/saved_codec.h"
#include "run/saved_fields.h"
#include "run/saved_rows.h"
#include "run/saved_writer.h"

namespace snapkv::run {

namespace {

/// The first row of a layer's tail that is written: what a sequence that evicts had there has gone, or has a slot.
std::uint32_t first_written(const kv::Tail & tail, std::uint32_t layer) {
    return tail.most() == 0U ? tail.first_seen(layer) : tail.first_row(layer);
}

void write_tail(SavedWriter & out, const kv::Tail & tail) {
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        out.number("first tail row", tail.first_row(layer));
    }
    std::vector<kv::HeadRows> views;
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        const kv::LayerShape & shape = tail.shapes()[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            views.clear();
            tail.view_from(first_written(tail, layer), layer, head, views);
            for (const kv::HeadRows & view : views) {
                out.bytes(view.keys, view.rows * shape.key_bytes());
            }
            for (const kv::HeadRows & view : views) {
                out.bytes(view.values, view.rows * shape.value_bytes());
            }
        }
    }
}

/// Rows in slots, and what they are judged by.
void write_eviction(SavedWriter & out, const kv::RowStore & rows, const Eviction & eviction) {
    for (std::uint32_t layer = 0; layer < rows.slots.size(); ++layer) {
        const kv::SlotRows & slots = rows.slots[layer];
        const kv::LayerShape & shape = slots.shape();
        for (std::uint32_t head = 0; eviction.evicts(layer) && head < shape.kv_heads; ++head) {
            out.number("rows that a head may hold", eviction.holds()[layer][head]);
            out.number("rows", slots.rows(head));
            out.array(slots.positions(head));
            const kv::HeadRows view = slots.head(head);
            out.bytes(view.keys, view.rows * shape.key_bytes());
            out.bytes(view.values, view.rows * shape.value_bytes());
        }
    }
    out.number("queries", eviction.queries());
    for (std::uint32_t layer = 0; layer < rows.slots.size(); ++layer) {
        for (std::uint32_t head = 0; eviction.evicts(layer) && head < eviction.heads(); ++head) {
            out.array(eviction.sums(rows, layer, head));
        }
        for (std::uint32_t index = 0; eviction.evicts(layer) && index < eviction.queries(); ++index) {
            out.array(eviction.query(layer, index));
        }
    }
}

}  // namespace

void write_model(SavedWriter & out, const SavedModel & model, std::span<const kv::LayerShape> shapes) {
    out.array(std::span<const std::uint8_t>(model.identity));
    rope_fields(out, model.rope);
    out.number("layers", static_cast<std::uint32_t>(shapes.size()));
    for (const kv::LayerShape & shape : shapes) {
        shape_fields(out, shape);
    }
    out.number("vocabulary", model.vocabulary);
}

void encode_sequence(const SavedModel & model, const Sequence::Impl & sequence, const ByteSink & sink) {
    assert(sequence.eviction.has_value() == sequence.stats.evicts);
    assert(sequence.logits.size() == model.vocabulary);
    assert(sequence.tokens.size() == sequence.next_position() + (sequence.pending ? 1 : 0));
    SavedWriter out(sink);
    write_model(out, model, sequence.rows.tail.shapes());
    stats_fields(out, sequence.stats);
    const SavedCounts counts{.tokens = static_cast<std::uint32_t>(sequence.tokens.size()),
                             .prompt_tokens = static_cast<std::uint32_t>(sequence.prompt_tokens),
                             .pending = sequence.pending,
                             .tail_rows = sequence.rows.tail.rows(),
                             .segments = static_cast<std::uint32_t>(sequence.rows.segments.size())};
    count_fields(out, counts);
    out.array(std::span<const Token>(sequence.tokens));
    for (const auto & segment : sequence.rows.segments) {
        for (std::uint32_t layer = 0; layer < segment->layers(); ++layer) {
            write_rows(out, segment->layer(layer));
        }
    }
    write_tail(out, sequence.rows.tail);
    if (sequence.eviction) {
        write_eviction(out, sequence.rows, *sequence.eviction);
    }
    for (std::uint32_t layer = 0; layer < sequence.state.layers(); ++layer) {
        out.array(std::span(sequence.state.of(layer), sequence.state.floats(layer)));
    }
    out.array(std::span<const float>(sequence.logits));
    out.flag("logits of the prompt", !sequence.prompt_logits.empty());
    out.array(std::span<const float>(sequence.prompt_logits));
}

}  // namespace snapkv::run
