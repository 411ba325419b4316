#include <algorithm>
#include <cassert>

#include "run/saved_codec.h"
#include "run/saved_fields.h"
#include "run/saved_rows.h"
#include "run/saved_writer.h"

namespace snapkv::run {

namespace {

void write_tail(SavedWriter & out, const kv::Tail & tail) {
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        out.number("first tail row", tail.first_row(layer));
    }
    std::vector<kv::HeadRows> views;
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        const kv::LayerShape & shape = tail.shapes()[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            views.clear();
            tail.view(layer, head, views);
            for (const kv::HeadRows & view : views) {
                out.bytes(view.keys, view.rows * shape.key_bytes());
            }
            for (const kv::HeadRows & view : views) {
                out.bytes(view.values, view.rows * shape.value_bytes());
            }
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
    for (std::uint32_t layer = 0; layer < sequence.state.layers(); ++layer) {
        out.array(std::span(sequence.state.of(layer), sequence.state.floats(layer)));
    }
    out.array(std::span<const float>(sequence.logits));
    out.flag("logits of the prompt", !sequence.prompt_logits.empty());
    out.array(std::span<const float>(sequence.prompt_logits));
}

}  // namespace snapkv::run
