#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "kv/rotate.h"
#include "run/saved_codec.h"
#include "run/saved_fields.h"
#include "run/saved_reader.h"
#include "run/saved_rows.h"

namespace snapkv::run {

namespace {

/// Segments are few (a trunk, a suffix, later one a turn); each costs memory of its own beyond the bytes it has in the
/// file.
constexpr std::uint32_t kMostSegments = 1024;

std::string in_hexadecimal(std::span<const std::uint8_t> bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

void read_identity(SavedReader & in, const SavedModel & model) {
    const auto identity = in.array<std::uint8_t>("model identity", model.identity.size());
    if (!std::ranges::equal(identity, model.identity)) {
        constexpr std::size_t kEnough = 8;
        raise_input("{}: saved from another model: its identity begins with {}, this model's with {}", in.path(),
                    in_hexadecimal(std::span(identity).first(kEnough)),
                    in_hexadecimal(std::span(model.identity).first(kEnough)));
    }
}

/// An archive that spells fields out; shortest forms of different numbers differ.
struct Speller {
    std::vector<std::pair<const char *, std::string>> fields;

    template <typename T>
    void number(const char * name, const T & value) {
        fields.emplace_back(name, fmt::format("{}", value));
    }
    void flag(const char * name, bool value) { fields.emplace_back(name, value ? "yes" : "no"); }
    template <typename Enum, typename Names>
    void choice(const char * name, Enum value, const Names & names) {
        fields.emplace_back(name, names[static_cast<std::size_t>(value)]);
    }
};

auto spelled(model::Rope rope) {
    if (rope.scaling != RopeOptions::Scaling::Yarn) {
        rope.original_context = 0;  // nothing depends on it
    }
    Speller speller;
    rope_fields(speller, rope);
    return speller.fields;
}

void read_rope(SavedReader & in, const SavedModel & model) {
    model::Rope rope;
    rope_fields(in, rope);
    const auto saved = spelled(rope);
    const auto here = spelled(model.rope);
    const auto [one, other] = std::ranges::mismatch(saved, here);
    if (one != saved.end()) {
        raise_input("{}: saved with another RoPE setting: {} {}, here {}", in.path(), one->first, one->second,
                    other->second);
    }
}

/// Quantised rows are whole blocks, and values within keys go with them.
void check_types(SavedReader & in, const kv::LayerShape & shape) {
    for (const auto & [type, size] :
         {std::pair{shape.type.key, shape.key_size}, {shape.type.value, shape.value_size}}) {
        if (is_quantised(type) && size % kQuantisedBlock != 0) {
            in.refuse("quantised rows of {} elements, expected a multiple of {}", size, kQuantisedBlock);
        }
    }
    if (!kv::storable(shape)) {
        in.refuse("values of {} elements within keys of {} cannot be of these types", shape.value_size, shape.key_size);
    }
}

std::vector<kv::LayerShape> read_shapes(SavedReader & in, const SavedModel & model) {
    std::uint32_t layers = 0;
    in.number("layers", layers);
    if (layers != model.shapes.size()) {
        in.refuse("{} layers, the model has {}", layers, model.shapes.size());
    }
    std::vector<kv::LayerShape> shapes(layers);
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        shape_fields(in, shapes[layer]);
        kv::LayerShape expected = model.shapes[layer];
        expected.type = shapes[layer].type;
        expected.rotated = shapes[layer].rotated;
        shapes[layer].values_in_keys = expected.values_in_keys;
        check_types(in, expected);
        if (shapes[layer] != expected) {
            in.refuse("layer {} has {} KV heads, keys of {} and values of {}; the model's are {}, {} and {}", layer,
                      shapes[layer].kv_heads, shapes[layer].key_size, shapes[layer].value_size, expected.kv_heads,
                      expected.key_size, expected.value_size);
        }
    }
    std::uint32_t vocabulary = 0;
    in.number("vocabulary", vocabulary);
    if (vocabulary != model.vocabulary) {
        in.refuse("a vocabulary of {}, the model's is {}", vocabulary, model.vocabulary);
    }
    return shapes;
}

SavedCounts read_counts(SavedReader & in, std::uint32_t context) {
    SavedCounts counts;
    count_fields(in, counts);
    if (counts.tokens > context) {
        raise_input("{}: {} tokens, beyond the context of {} (-c sets it)", in.path(), counts.tokens, context);
    }
    const std::uint64_t beyond_segments = std::uint64_t{counts.tail_rows} + (counts.pending ? 1 : 0);
    if (beyond_segments >= counts.tokens) {
        in.refuse("{} tokens, of which {} come after the segments", counts.tokens, beyond_segments);
    }
    if (counts.prompt_tokens == 0 || counts.prompt_tokens > counts.tokens - (counts.pending ? 1 : 0)) {
        in.refuse("{} prompt tokens among {} tokens", counts.prompt_tokens, counts.tokens);
    }
    if (counts.segments > kMostSegments) {
        in.refuse("{} segments, expected at most {}", counts.segments, kMostSegments);
    }
    return counts;
}

}  // namespace

std::vector<Token> read_tokens(SavedReader & in, std::uint32_t count, std::uint32_t vocabulary) {
    auto tokens = in.array<Token>("token ids", count);
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= vocabulary) {
            in.refuse("token {} is not in the vocabulary of {}", token, vocabulary);
        }
    }
    return tokens;
}

namespace {

std::vector<std::shared_ptr<const kv::Segment>> read_segments(SavedReader & in, kv::Arena & arena,
                                                              const std::vector<kv::LayerShape> & shapes,
                                                              std::uint32_t count, std::uint32_t end) {
    RowAscent ascent(in, shapes, end);
    std::vector<std::shared_ptr<const kv::Segment>> segments;
    for (std::uint32_t number = 0; number < count; ++number) {
        auto segment = std::make_shared<kv::Segment>();
        for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
            segment->add_layer(read_rows(in, arena, shapes[layer], layer, ascent));
        }
        segments.push_back(std::move(segment));
    }
    return segments;
}

/// The first rows that each layer's tail has: multiples of a block's, the same for all layers with a window, none where
/// there is none.
std::vector<std::uint32_t> read_first_rows(SavedReader & in, const SavedModel & model, std::uint32_t count) {
    auto rows = in.array<std::uint32_t>("first tail rows", model.shapes.size());
    std::map<std::uint32_t, std::uint32_t> of_window{{0, 0}};
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
        const std::uint32_t window = model.windows.empty() ? 0 : model.windows[layer];
        const std::uint32_t expected = of_window.emplace(window, rows[layer]).first->second;
        if (rows[layer] != expected || rows[layer] % kv::Tail::kBlockRows != 0 ||
            (rows[layer] > 0 && rows[layer] + std::uint64_t{window} > std::uint64_t{count} + 1)) {
            in.refuse("layer {} has a tail of {} rows from row {} on, and a window of {}", layer, count, rows[layer],
                      window);
        }
    }
    return rows;
}

kv::Tail read_tail(SavedReader & in, kv::Arena & arena, const std::vector<kv::LayerShape> & shapes,
                   const SavedModel & model, Position first, std::uint32_t count) {
    const std::vector<std::uint32_t> first_rows = read_first_rows(in, model, count);
    std::uint64_t bytes = 0;
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        bytes += std::uint64_t{count - first_rows[layer]} * shapes[layer].kv_heads * shapes[layer].row_bytes();
    }
    in.expect("tail rows", bytes, 1);
    kv::Tail tail(arena, shapes, first, model.windows);
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        if (first_rows[layer] > 0) {
            tail.give_back(model.windows[layer], first_rows[layer]);
        }
    }
    tail.append(count);
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        const kv::LayerShape & shape = shapes[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (std::uint32_t row = first_rows[layer]; row < count; row += kv::Tail::kBlockRows) {
                const kv::Tail::Place place = tail.place(layer, row);
                in.fill("tail keys", place.keys + head * place.key_head_stride,
                        std::min(place.count, count - row) * shape.key_bytes());
            }
            for (std::uint32_t row = first_rows[layer]; row < count; row += kv::Tail::kBlockRows) {
                const kv::Tail::Place place = tail.place(layer, row);
                in.fill("tail values", place.values + head * place.value_head_stride,
                        std::min(place.count, count - row) * shape.value_bytes());
            }
        }
    }
    return tail;
}

kv::RecurrentState read_state(SavedReader & in, kv::Arena & arena, const std::vector<std::size_t> & floats) {
    in.expect("recurrent states", std::accumulate(floats.begin(), floats.end(), std::uint64_t{0}), sizeof(float));
    kv::RecurrentState state(arena, floats);
    for (std::uint32_t layer = 0; layer < floats.size(); ++layer) {
        in.fill("recurrent state", reinterpret_cast<std::byte *>(state.of(layer)), floats[layer] * sizeof(float));
    }
    return state;
}

std::vector<float> read_logits(SavedReader & in, std::uint32_t vocabulary) {
    auto logits = in.array<float>("logits", vocabulary);
    if (std::ranges::any_of(logits, [](float logit) { return !(logit < std::numeric_limits<float>::infinity()); })) {
        in.refuse("a logit is not a finite number");
    }
    return logits;
}

}  // namespace

std::vector<kv::LayerShape> read_model(SavedReader & in, const SavedModel & model) {
    read_identity(in, model);
    read_rope(in, model);
    return read_shapes(in, model);
}

Sequence::Impl decode_sequence(const ByteSource & contents, const SavedModel & model, std::uint32_t context,
                               std::shared_ptr<kv::Arena> arena, const std::string & path) {
    SavedReader in(contents, path);
    const std::vector<kv::LayerShape> shapes = read_model(in, model);
    CacheStats stats;
    stats_fields(in, stats);
    const SavedCounts counts = read_counts(in, context);
    std::vector<Token> tokens = read_tokens(in, counts.tokens, model.vocabulary);
    const std::uint32_t tail_first = counts.tokens - (counts.pending ? 1 : 0) - counts.tail_rows;
    auto segments = read_segments(in, *arena, shapes, counts.segments, tail_first);
    kv::Tail tail = read_tail(in, *arena, shapes, model, Position{tail_first}, counts.tail_rows);
    kv::RecurrentState state = read_state(in, *arena, model.state_floats);
    std::vector<float> logits = read_logits(in, model.vocabulary);
    bool has_prompt_logits = false;
    in.flag("logits of the prompt", has_prompt_logits);
    std::vector<float> prompt_logits = has_prompt_logits ? read_logits(in, model.vocabulary) : std::vector<float>();
    in.expect_end();
    return {.model = nullptr,
            .arena = std::move(arena),
            .tokens = std::move(tokens),
            .prompt_tokens = counts.prompt_tokens,
            .stats = std::move(stats),
            .rows = {std::move(segments), std::move(tail)},
            .state = std::move(state),
            .logits = std::move(logits),
            .prompt_logits = std::move(prompt_logits),
            .pending = counts.pending};
}

}  // namespace snapkv::run
