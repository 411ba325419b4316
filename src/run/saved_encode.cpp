#include <algorithm>
#include <bit>
#include <cassert>
#include <optional>

#include "run/saved_codec.h"
#include "run/saved_fields.h"

namespace snapkv::run {

namespace {

static_assert(std::endian::native == std::endian::little, "saved caches are written as they lie in memory");

/// An archive for the field lists that writes. Names are for the reader's messages.
class Writer {
public:
    explicit Writer(const ByteSink & sink) : sink_(sink) {}

    template <typename T>
    void number(const char * /*name*/, const T & value) {
        sink_(std::as_bytes(std::span(&value, 1)));
    }
    void flag(const char * name, bool value) { number(name, std::uint32_t{value ? 1U : 0U}); }
    template <typename Enum, typename Names>
    void choice(const char * name, Enum value, const Names & /*names*/) {
        number(name, static_cast<std::uint32_t>(value));
    }
    void optional(const char * name, const std::optional<std::uint32_t> & value) {
        flag(name, value.has_value());
        number(name, value.value_or(0));
    }
    void text(const char * name, const std::string & value) {
        number(name, static_cast<std::uint32_t>(value.size()));
        sink_(std::as_bytes(std::span(value)));
    }
    template <typename T>
    void array(std::span<const T> values) {
        sink_(std::as_bytes(values));
    }
    void bytes(const std::byte * data, std::size_t count) { sink_({data, count}); }

private:
    const ByteSink & sink_;
};

/// Every head has the same rows, at positions that follow one another.
bool is_consecutive(const kv::LayerRows & layer) {
    const kv::HeadRows first = layer.head(0);
    for (std::uint32_t head = 0; head < layer.shape().kv_heads; ++head) {
        const kv::HeadRows rows = layer.head(head);
        if (rows.positions != nullptr || rows.rows != first.rows || rows.first != first.first) {
            return false;
        }
    }
    return true;
}

void write_layer(Writer & out, const kv::LayerRows & layer) {
    const kv::LayerShape & shape = layer.shape();
    const bool listed = shape.kv_heads == 0 || !is_consecutive(layer);
    out.choice("layout", listed, kLayoutNames);
    if (listed) {
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            out.number("rows", layer.head(head).rows);
        }
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const kv::HeadRows rows = layer.head(head);
            out.array(std::span(rows.positions, rows.rows));
        }
    } else {
        out.number("rows", layer.head(0).rows);
        out.number("first position", layer.head(0).first);
    }
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        const kv::HeadRows rows = layer.head(head);
        out.bytes(rows.keys, rows.rows * shape.key_bytes());
        out.bytes(rows.values, rows.rows * shape.value_bytes());
    }
}

void write_tail(Writer & out, const kv::Tail & tail) {
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

void encode_sequence(const SavedModel & model, const Sequence::Impl & sequence, const ByteSink & sink) {
    assert(sequence.logits.size() == model.vocabulary);
    assert(sequence.tokens.size() == sequence.next_position() + (sequence.pending ? 1 : 0));
    Writer out(sink);
    out.array(std::span<const std::uint8_t>(model.identity));
    rope_fields(out, model.rope);
    const std::vector<kv::LayerShape> & shapes = sequence.tail.shapes();
    out.number("layers", static_cast<std::uint32_t>(shapes.size()));
    for (const kv::LayerShape & shape : shapes) {
        shape_fields(out, shape);
    }
    out.number("vocabulary", model.vocabulary);
    stats_fields(out, sequence.stats);
    const SavedCounts counts{.tokens = static_cast<std::uint32_t>(sequence.tokens.size()),
                             .prompt_tokens = static_cast<std::uint32_t>(sequence.prompt_tokens),
                             .pending = sequence.pending,
                             .tail_rows = sequence.tail.rows(),
                             .segments = static_cast<std::uint32_t>(sequence.segments.size())};
    count_fields(out, counts);
    out.array(std::span<const Token>(sequence.tokens));
    for (const auto & segment : sequence.segments) {
        for (std::uint32_t layer = 0; layer < segment->layers(); ++layer) {
            write_layer(out, segment->layer(layer));
        }
    }
    write_tail(out, sequence.tail);
    for (std::uint32_t layer = 0; layer < sequence.state.layers(); ++layer) {
        out.array(std::span(sequence.state.of(layer), sequence.state.floats(layer)));
    }
    out.array(std::span<const float>(sequence.logits));
}

}  // namespace snapkv::run
