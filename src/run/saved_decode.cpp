#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "kv/rotate.h"
#include "run/begin_evicting.h"
#include "run/eviction.h"
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

/// The first rows that each layer's tail has: multiples of a block's, the same for all layers with a window; none where
/// there is no window, unless the tail is bounded.
std::vector<std::uint32_t> read_first_rows(SavedReader & in, const SavedModel & model, std::uint32_t count,
                                           const std::optional<std::uint32_t> & most) {
    auto rows = in.array<std::uint32_t>("first tail rows", model.shapes.size());
    std::map<std::uint32_t, std::uint32_t> of_window;
    if (!most) {
        of_window[0] = 0;
    }
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
        const std::uint32_t window = model.windows.empty() ? 0 : model.windows[layer];
        const std::uint32_t expected = of_window.emplace(window, rows[layer]).first->second;
        const std::uint64_t seen = window > 0 ? window - 1 : most.value_or(0);
        if (rows[layer] != expected || rows[layer] % kv::Tail::kBlockRows != 0 ||
            (rows[layer] > 0 && rows[layer] + seen > count)) {
            in.refuse("layer {} has a tail of {} rows from row {} on, and a window of {}", layer, count, rows[layer],
                      window);
        }
    }
    return rows;
}

kv::Tail read_tail(SavedReader & in, kv::Arena & arena, const std::vector<kv::LayerShape> & shapes,
                   const SavedModel & model, Position first, std::uint32_t count,
                   const std::optional<std::uint32_t> & most) {
    const std::vector<std::uint32_t> first_rows = read_first_rows(in, model, count, most);
    std::vector<std::uint32_t> first_written = first_rows;
    std::uint64_t bytes = 0;
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        const bool in_slots = most == 0U && (model.windows.empty() || model.windows[layer] == 0);
        first_written[layer] = in_slots ? count : first_rows[layer];
        bytes += std::uint64_t{count - first_written[layer]} * shapes[layer].kv_heads * shapes[layer].row_bytes();
    }
    in.expect("tail rows", bytes, 1);
    kv::Tail tail(arena, shapes, first, model.windows);
    if (most) {
        tail.bound(*most);
    }
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        if (first_rows[layer] > 0) {
            tail.give_back(tail.window(layer), first_rows[layer]);
        }
    }
    tail.append(count);
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        const kv::LayerShape & shape = shapes[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (std::uint32_t row = first_written[layer]; row < count; row += kv::Tail::kBlockRows) {
                const kv::Tail::Place place = tail.place(layer, row);
                in.fill("tail keys", place.keys + head * place.key_head_stride,
                        std::min(place.count, count - row) * shape.key_bytes());
            }
            for (std::uint32_t row = first_written[layer]; row < count; row += kv::Tail::kBlockRows) {
                const kv::Tail::Place place = tail.place(layer, row);
                in.fill("tail values", place.values + head * place.value_head_stride,
                        std::min(place.count, count - row) * shape.value_bytes());
            }
        }
    }
    tail.settle();
    return tail;
}

/// The rows of a layer whose heads have them at positions before `end`. `least`: rows that stay whatever the vote.
kv::SlotRows read_slots(SavedReader & in, kv::Arena & arena, const kv::LayerShape & shape, Position end,
                        std::uint32_t least, std::vector<std::uint32_t> & holds) {
    kv::SlotRows slots(arena, shape, 0);
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        std::uint32_t rows = 0;
        in.number("rows that a head may hold", holds.emplace_back());
        in.number("rows", rows);
        if (rows > holds.back() || holds.back() < least) {
            in.refuse("a head has {} rows and may hold {}, {} of them whatever the vote", rows, holds.back(), least);
        }
        in.expect("rows", rows, sizeof(Position) + shape.row_bytes());
        const auto positions = in.array<Position>("positions", rows);
        std::vector<Position> sorted = positions;
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end() ||
            (!sorted.empty() && sorted.back() >= end)) {
            in.refuse("a head has two rows at one position, or one at a position to come");
        }
        slots.reserve(arena, rows);
        for (const Position position : positions) {
            slots.append(head, position);
        }
        in.fill("keys", slots.key(head, 0), rows * shape.key_bytes());
        in.fill("values", slots.value(head, 0), rows * shape.value_bytes());
    }
    return slots;
}

/// What is judged by, once the rows are there.
void read_evidence(SavedReader & in, const kv::RowStore & rows, Eviction & eviction) {
    for (std::uint32_t layer = 0; layer < rows.slots.size(); ++layer) {
        for (std::uint32_t head = 0; eviction.evicts(layer) && head < eviction.heads(); ++head) {
            const std::span<float> sums = eviction.sums(rows, layer, head);
            in.fill("sums", reinterpret_cast<std::byte *>(sums.data()), sums.size_bytes());
        }
        for (std::uint32_t index = 0; eviction.evicts(layer) && index < eviction.queries(); ++index) {
            const std::span<float> query = eviction.query(layer, index);
            in.fill("queries", reinterpret_cast<std::byte *>(query.data()), query.size_bytes());
        }
    }
}

/// The rows of a sequence that goes on evicting, into slots, and what they are judged by.
Eviction read_eviction(SavedReader & in, kv::Arena & arena, const SavedModel & model, const CacheStats & stats,
                       kv::RowStore & rows) {
    constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
    const select::EvictionRule rule = eviction_rule(stats);
    const bool votes = rule.evidence != Evidence::None;
    const std::uint64_t least = std::max(std::uint64_t{rule.sink} + (votes ? rule.recent : 0), std::uint64_t{1});
    if (least > kMost || rule.window > kMost) {
        in.refuse("{} rows stay whatever the vote, and {} tokens vote", least, rule.window);
    }
    const std::vector<kv::LayerShape> & shapes = rows.tail.shapes();
    Eviction::Heads heads{model.heads, 0, 0};
    Eviction::Holds holds(shapes.size());
    rows.slots.resize(shapes.size());
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        if (shapes[layer].kv_heads > 0 && rows.tail.window(layer) == 0) {
            if (heads.kv_heads > 0 && heads.kv_heads != shapes[layer].kv_heads) {
                in.refuse("it evicts, and layer {} has {} KV heads, one before it {}", layer, shapes[layer].kv_heads,
                          heads.kv_heads);
            }
            heads.kv_heads = shapes[layer].kv_heads;
            heads.key_size = shapes[layer].key_size;
            rows.slots[layer] =
                read_slots(in, arena, shapes[layer], rows.tail.next(), static_cast<std::uint32_t>(least), holds[layer]);
        }
    }
    if (heads.kv_heads == 0 || heads.heads % heads.kv_heads != 0) {
        in.refuse("it evicts, and no layer has rows that could go");
    }
    std::uint32_t queries = 0;
    in.number("queries", queries);
    const std::uint32_t end = index_of(rows.tail.next());
    if (queries > (rule.evidence == Evidence::Pivotal ? std::min(rule.window, end) : 0)) {
        in.refuse("{} queries of {} tokens, of which {} vote", queries, end, rule.window);
    }
    in.expect("queries", queries, std::size_t{heads.heads} * heads.key_size * sizeof(float));
    Eviction eviction(heads, rule, std::move(holds));
    eviction.restore(arena, rows, queries, stats.evicted);
    read_evidence(in, rows, eviction);
    return eviction;
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
    if (stats.config.tail_budget == 0U) {
        in.refuse("a tail budget of no rows");
    }
    const SavedCounts counts = read_counts(in, context);
    std::vector<Token> tokens = read_tokens(in, counts.tokens, model.vocabulary);
    const std::uint32_t tail_first = counts.tokens - (counts.pending ? 1 : 0) - counts.tail_rows;
    auto segments = read_segments(in, *arena, shapes, counts.segments, tail_first);
    kv::Tail tail = read_tail(in, *arena, shapes, model, Position{tail_first}, counts.tail_rows,
                              stats.evicts ? std::optional(0U) : stats.config.tail_budget);
    kv::RowStore rows{std::move(segments), std::move(tail)};
    std::optional<Eviction> eviction;
    if (stats.evicts) {
        eviction = read_eviction(in, *arena, model, stats, rows);
    }
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
            .rows = std::move(rows),
            .state = std::move(state),
            .logits = std::move(logits),
            .prompt_logits = std::move(prompt_logits),
            .pending = counts.pending,
            .eviction = std::move(eviction)};
}

}  // namespace snapkv::run
