#include "run/eviction.h"

#include <optional>
#include <utility>

#include "attention/vote.h"
#include "attention/weights.h"
#include "run/voting.h"

namespace snapkv::run {

namespace {

/// A head's rows: those in slots, then those that came.
std::vector<kv::HeadRows> all_rows(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head) {
    std::vector<kv::HeadRows> views{rows.slots[layer].head(head)};
    rows.tail.view(layer, head, views);
    return views;
}

std::vector<std::vector<kv::HeadRows>> all_rows(const kv::RowStore & rows, std::uint32_t layer) {
    std::vector<std::vector<kv::HeadRows>> heads;
    for (std::uint32_t head = 0; head < rows.shape(layer).kv_heads; ++head) {
        heads.push_back(all_rows(rows, layer, head));
    }
    return heads;
}

std::uint32_t most_rows(const kv::SlotRows & slots) {
    std::uint32_t most = 0;
    for (std::uint32_t head = 0; head < slots.shape().kv_heads; ++head) {
        most = std::max(most, slots.rows(head));
    }
    return most;
}

/// The views as if their rows had the positions 0, 1, ...: the queries that came last see the same of them, for they
/// see all that was held before them.
std::vector<kv::HeadRows> numbered(std::vector<kv::HeadRows> views) {
    std::uint32_t first = 0;
    for (kv::HeadRows & view : views) {
        view.positions = nullptr;
        view.first = Position{first};
        first += view.rows;
    }
    return views;
}

/// A head's keys in ascending order of position.
struct SortedKeys {
    SortedKeys(const std::vector<kv::HeadRows> & views, std::size_t key_bytes, const std::shared_ptr<Meter> & work) {
        std::vector<std::pair<Position, const std::byte *>> rows;
        for (const kv::HeadRows & view : views) {
            for (std::uint32_t row = 0; row < view.rows; ++row) {
                rows.emplace_back(view.position(row), view.keys + row * key_bytes);
            }
        }
        std::sort(rows.begin(), rows.end());
        keys = Block(rows.size() * key_bytes, work);
        std::byte * to = keys.data();
        for (const auto & [position, key] : rows) {
            positions.push_back(position);
            to = std::copy_n(key, key_bytes, to);
        }
    }
    [[nodiscard]] kv::HeadRows view() const {
        return {
            .keys = keys.data(), .rows = static_cast<std::uint32_t>(positions.size()), .positions = positions.data()};
    }

    Block keys;
    std::vector<Position> positions;
};

}  // namespace

/// Where the numbers of a layer's heads lie in a block: [KV head][group][row]; how many rows a head has is its own.
class Eviction::Votes {
public:
    Votes(const kv::SlotRows & slots, std::uint32_t coming, std::uint32_t group) : group_(group) {
        for (std::uint32_t head = 0; head < slots.shape().kv_heads; ++head) {
            rows_.push_back(slots.rows(head) + coming);
            first_.push_back(floats_);
            floats_ += std::size_t{group} * rows_.back();
        }
    }
    [[nodiscard]] std::size_t floats() const { return floats_; }
    [[nodiscard]] std::uint32_t rows(std::uint32_t kv_head) const { return rows_[kv_head]; }
    /// Of a KV head's group from its first number on.
    [[nodiscard]] std::size_t of_group(std::uint32_t kv_head) const { return first_[kv_head]; }
    [[nodiscard]] std::size_t of_head(std::uint32_t head) const {
        return first_[head / group_] + std::size_t{head % group_} * rows_[head / group_];
    }
    /// One number for each of the head's rows.
    [[nodiscard]] std::vector<float> reduced(std::span<const float> votes, std::uint32_t kv_head,
                                             GroupReduce how) const {
        std::vector<float> out(rows_[kv_head]);
        const std::size_t of_group = std::size_t{group_} * rows_[kv_head];
        select::reduce_group(how == GroupReduce::Layer ? votes : votes.subspan(first_[kv_head], of_group),
                             rows_[kv_head], how, out);
        return out;
    }

private:
    std::uint32_t group_;
    std::size_t floats_ = 0;
    std::vector<std::uint32_t> rows_;
    std::vector<std::size_t> first_;
};

Eviction::Eviction(const Heads & heads, const select::EvictionRule & rule, Holds holds)
    : heads_(heads),
      rule_(rule),
      holds_(std::move(holds)),
      layers_(holds_.size()),
      query_floats_(std::size_t{heads.heads} * heads.key_size) {}

Eviction Eviction::copy(kv::Arena & arena) const {
    Eviction other(heads_, rule_, holds_);
    const auto copied = [&](const Block & from) {
        Block to = arena.allocate(from.size());
        std::copy_n(from.data(), from.size(), to.data());
        return to;
    };
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        other.layers_[layer].sums = copied(layers_[layer].sums);
        other.layers_[layer].queries = copied(layers_[layer].queries);
    }
    other.room_ = room_;
    other.tokens_ = tokens_;
    other.evicted_ = evicted_;
    return other;
}

void Eviction::take_rows(kv::Arena & arena, kv::RowStore & rows, std::span<Block> carried, std::uint32_t tokens) {
    const auto layers = static_cast<std::uint32_t>(layers_.size());
    std::vector<std::vector<std::shared_ptr<const kv::LayerRows>>> parts(layers);
    for (const auto & segment : std::exchange(rows.segments, {})) {
        for (std::uint32_t layer = 0; layer < layers; ++layer) {
            parts[layer].push_back(segment->shared_layer(layer));
        }
    }
    rows.slots.resize(layers);
    if (rule_.evidence == Evidence::Pivotal) {
        room_ = rule_.window;
        tokens_ = std::min(tokens, room_);
    }
    std::size_t staying = 0;  // parts of layers that do not evict
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        if (!evicts(layer)) {
            staying = std::max(staying, parts[layer].size());
            continue;
        }
        const kv::LayerShape & shape = rows.shape(layer);
        std::vector<std::uint32_t> counts(shape.kv_heads);
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (const auto & part : parts[layer]) {
                counts[head] += part->head(head).rows;
            }
        }
        const std::uint32_t capacity = *std::max_element(counts.begin(), counts.end());
        rows.slots[layer] = kv::SlotRows(arena, shape, capacity);
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (const auto & part : parts[layer]) {
                rows.slots[layer].append(head, part->head(head));
            }
        }
        parts[layer].clear();
        if (rule_.evidence == Evidence::Pivotal) {
            layers_[layer].queries = std::move(carried[layer]);
        } else if (accumulates() &&
                   std::all_of(counts.begin(), counts.end(), [&](std::uint32_t count) { return count == capacity; })) {
            layers_[layer].sums = std::move(carried[layer]);
        } else if (accumulates()) {
            layers_[layer].sums = arena.allocate(std::size_t{heads_.heads} * capacity * sizeof(float));
            const float * from = carried[layer].floats();
            for (std::uint32_t head = 0; head < heads_.heads; ++head) {
                const std::span<float> to = sums(rows, layer, head);
                std::copy_n(from, to.size(), to.begin());
                from += to.size();
            }
        }
        carried[layer] = Block();
    }
    for (std::size_t index = 0; index < staying; ++index) {
        auto segment = std::make_shared<kv::Segment>();
        for (std::uint32_t layer = 0; layer < layers; ++layer) {
            segment->add_layer(!evicts(layer) ? parts[layer][index]
                                              : std::make_shared<const kv::LayerRows>(
                                                    kv::LayerRows::dense(arena, rows.shape(layer), 0, Position{0})));
        }
        if (segment->total_rows() > 0) {
            rows.segments.push_back(std::move(segment));
        }
    }
}

std::uint32_t Eviction::wanted_capacity(const kv::SlotRows & slots, std::uint32_t layer, std::uint32_t count) const {
    const std::uint32_t most = *std::max_element(holds_[layer].begin(), holds_[layer].end());
    const std::uint64_t needed = std::min<std::uint64_t>(most, std::uint64_t{most_rows(slots)} + count);
    const std::uint64_t ahead = std::min<std::uint64_t>(most, slots.capacity() + slots.capacity() / 2);
    return static_cast<std::uint32_t>(needed <= slots.capacity() ? slots.capacity() : std::max(needed, ahead));
}

std::uint32_t Eviction::wanted_room(std::uint32_t count) const {
    switch (rule_.evidence) {
        case Evidence::Mean:
            return 1;
        case Evidence::Accumulated:
            return count;
        case Evidence::Pivotal:
            return rule_.window;
        default:
            return 0;
    }
}

void Eviction::reserve(kv::Arena & arena, kv::SlotRows & slots, std::uint32_t layer, std::uint32_t capacity) {
    Block sums = arena.allocate(accumulates() ? std::size_t{heads_.heads} * capacity * sizeof(float) : 0);
    const std::size_t before = slots.capacity();
    slots.reserve(arena, capacity);
    for (std::uint32_t head = 0; accumulates() && head < heads_.heads; ++head) {
        std::copy_n(layers_[layer].sums.floats() + head * before, before, sums.floats() + std::size_t{head} * capacity);
    }
    layers_[layer].sums = std::move(sums);
}

std::uint64_t Eviction::begin_bytes(const kv::RowStore & rows, std::uint32_t count) const {
    std::uint64_t bytes = 0;
    for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
        if (!evicts(layer)) {
            continue;
        }
        const kv::SlotRows & slots = rows.slots[layer];
        if (const std::uint32_t capacity = wanted_capacity(slots, layer, count); capacity > slots.capacity()) {
            bytes += capacity * (slots.shape().kv_heads * slots.shape().row_bytes() +
                                 (accumulates() ? heads_.heads * sizeof(float) : 0));
        }
        bytes += wanted_room(count) != room_ ? wanted_room(count) * query_floats_ * sizeof(float) : 0;
    }
    return bytes;
}

void Eviction::begin(kv::Arena & arena, kv::RowStore & rows, std::uint32_t count) {
    for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
        if (evicts(layer)) {
            const std::uint32_t capacity = wanted_capacity(rows.slots[layer], layer, count);
            if (capacity > rows.slots[layer].capacity()) {
                reserve(arena, rows.slots[layer], layer, capacity);
            }
        }
    }
    if (const std::uint32_t room = wanted_room(count); room != room_) {
        std::vector<Block> blocks(layers_.size());
        for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
            blocks[layer] = arena.allocate(evicts(layer) ? room * query_floats_ * sizeof(float) : 0);
        }
        for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
            layers_[layer].queries = std::move(blocks[layer]);
        }
        room_ = room;
        tokens_ = 0;
    }
    if (accumulates()) {
        tokens_ = 0;
    }
    coming_ = count;
}

void Eviction::add_captures(attention::LayerUnit & unit, std::uint32_t layer, std::uint32_t row, std::uint32_t count,
                            std::uint32_t from_end) {
    if (!evicts(layer) || room_ == 0) {
        return;
    }
    const std::uint32_t offset = coming_ - from_end;
    const std::uint32_t unwanted = coming_ - std::min(coming_, room_);
    for (std::uint32_t at = std::max(offset, unwanted); at < offset + count;) {
        const std::uint32_t slot = (tokens_ + at) % room_;
        const std::uint32_t some = std::min(room_ - slot, offset + count - at);
        unit.captures.push_back({row + at - offset, some, layers_[layer].queries.floats() + slot * query_floats_});
        at += some;
    }
}

bool Eviction::overflows(const kv::SlotRows & slots, std::uint32_t layer) const {
    for (std::uint32_t head = 0; head < slots.shape().kv_heads; ++head) {
        if (slots.rows(head) + coming_ > holds_[layer][head]) {
            return true;
        }
    }
    return false;
}

void Eviction::decide(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows,
                      const std::shared_ptr<Meter> & work) {
    std::vector<std::uint32_t> deciding;
    for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
        layers_[layer].votes = Block();
        layers_[layer].going.assign(holds_[layer].size(), {});
        if (evicts(layer) && (accumulates() || overflows(rows.slots[layer], layer))) {
            deciding.push_back(layer);
        }
    }
    if (deciding.empty()) {
        return;
    }
    if (rule_.evidence == Evidence::Pivotal) {
        for (const std::uint32_t layer : deciding) {
            count_low(compute, spec_of, rows, layer, work);
        }
    } else if (rule_.evidence != Evidence::None) {
        // Quantised keys are copied, so one layer at a time.
        const std::size_t together = is_quantised(rows.shape(deciding.front()).type.key) ? 1 : deciding.size();
        for (std::size_t first = 0; first < deciding.size(); first += together) {
            weigh(compute, spec_of, rows, std::span(deciding).subspan(first, together), work);
        }
    }
    const std::uint32_t kv_heads = heads_.kv_heads;
    for_heads(compute, static_cast<std::uint32_t>(deciding.size()) * kv_heads,
              [&](std::uint32_t index) { choose(rows, deciding[index / kv_heads], index % kv_heads); });
}

/// The weights that the last query gives to each row, or the sums with those of all that came.
void Eviction::weigh(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows,
                     std::span<const std::uint32_t> layers, const std::shared_ptr<Meter> & work) {
    const std::uint32_t kv_heads = heads_.kv_heads;
    const std::uint32_t group = heads_.group();
    const std::uint32_t count = accumulates() ? coming_ : 1;
    std::vector<FloatKeys> keys;
    for (const std::uint32_t layer : layers) {
        const Votes votes(rows.slots[layer], coming_, group);
        layers_[layer].votes = Block(votes.floats() * sizeof(float), work);
        keys.push_back(float_keys(compute, rows.shape(layer), all_rows(rows, layer), work));
    }
    for_heads(compute, static_cast<std::uint32_t>(layers.size()) * kv_heads, [&](std::uint32_t index) {
        const std::uint32_t layer = layers[index / kv_heads];
        const std::uint32_t kv_head = index % kv_heads;
        const FloatKeys & of_layer = keys[index / kv_heads];
        const Votes votes(rows.slots[layer], coming_, group);
        attention::WeightsInput input{.spec = spec_of(layer),
                                      .shape = of_layer.shape,
                                      .queries = layers_[layer].queries.floats(),
                                      .count = count,
                                      .n = votes.rows(kv_head),
                                      .rows = std::vector<std::vector<kv::HeadRows>>(kv_heads),
                                      .work = work,
                                      .halt = &compute.halt()};
        const bool by_distance = !input.spec.alibi_slopes.empty();  // then positions count
        const std::vector<kv::HeadRows> & views = of_layer.views[kv_head];
        input.n = by_distance ? index_of(rows.tail.next()) : input.n;
        input.rows[kv_head] = by_distance ? views : numbered(views);
        const std::vector<Position> positions = by_distance ? kv::positions_in(views) : std::vector<Position>();
        for (std::uint32_t head = kv_head * group; accumulates() && head < (kv_head + 1) * group; ++head) {
            const std::span<const float> so_far = sums(rows, layer, head);
            std::copy(so_far.begin(), so_far.end(), layers_[layer].votes.floats() + votes.of_head(head));
        }
        attention::visit_weights(input, kv_head, [&](std::uint32_t head, Position, std::span<const float> weights) {
            float * to = layers_[layer].votes.floats() + votes.of_head(head);
            for (std::uint32_t row = 0; row < votes.rows(kv_head); ++row) {
                const std::size_t at = by_distance ? index_of(positions[row]) : row;
                to[row] += at < weights.size() ? weights[at] : 0.0F;
            }
            return !compute.halt().stopped();
        });
    });
}

/// The counts of the queries that are kept for each row that is held now, and behind them what settles ties.
void Eviction::count_low(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows, std::uint32_t layer,
                         const std::shared_ptr<Meter> & work) {
    const std::uint32_t kv_heads = heads_.kv_heads;
    const std::uint32_t group = heads_.group();
    const std::uint32_t end = index_of(rows.tail.next());
    const Votes votes(rows.slots[layer], coming_, group);
    const FloatKeys keys = float_keys(compute, rows.shape(layer), all_rows(rows, layer), work);
    std::vector<std::optional<SortedKeys>> sorted(kv_heads);
    for_heads(compute, kv_heads,
              [&](std::uint32_t head) { sorted[head].emplace(keys.views[head], keys.shape.key_bytes(), work); });
    std::vector<std::vector<kv::HeadRows>> views;
    for (const std::optional<SortedKeys> & of_head : sorted) {
        views.push_back({of_head->view()});
    }
    const std::uint32_t tokens = tokens_ + coming_;
    const std::uint32_t window = std::min(tokens, room_);
    Block ordered(window * query_floats_ * sizeof(float), work);
    for (std::uint32_t index = 0; index < window; ++index) {
        std::copy_n(layers_[layer].queries.floats() + (tokens - window + index) % room_ * query_floats_, query_floats_,
                    ordered.floats() + index * query_floats_);
    }
    const Block cast = cast_votes(compute,
                                  {.spec = spec_of(layer),
                                   .shape = keys.shape,
                                   .queries = ordered.floats(),
                                   .window = window,
                                   .n = end,
                                   .prefix = end,
                                   .evidence = Evidence::Pivotal,
                                   .rows = std::move(views)},
                                  work);
    layers_[layer].votes = Block(2 * votes.floats() * sizeof(float), work);
    for_heads(compute, kv_heads, [&](std::uint32_t kv_head) {
        const std::vector<Position> positions = kv::positions_in(all_rows(rows, layer, kv_head));
        for (std::uint32_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
            for (const std::size_t plane : {std::size_t{0}, std::size_t{1}}) {
                const float * from = cast.floats() + (plane * heads_.heads + head) * end;
                float * to = layers_[layer].votes.floats() + plane * votes.floats() + votes.of_head(head);
                for (const Position position : positions) {
                    *to++ = from[index_of(position)];
                }
            }
        }
    });
}

void Eviction::choose(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head) {
    const Votes votes(rows.slots[layer], coming_, heads_.group());
    const std::uint32_t count = votes.rows(head);
    const std::uint32_t left = select::rows_left(rule_, holds_[layer][head], count);
    if (left == count) {
        return;
    }
    select::RankedScores scores;
    if (rule_.evidence != Evidence::None) {
        const std::span<const float> numbers(layers_[layer].votes.floats(),
                                             layers_[layer].votes.size() / sizeof(float));
        scores.scores = votes.reduced(numbers.first(votes.floats()), head, rule_.group);
        if (rule_.evidence == Evidence::Pivotal) {
            scores.ties = votes.reduced(numbers.subspan(votes.floats()), head, rule_.group);
        }
    }
    layers_[layer].going[head] =
        select::evicted_slots(rule_, kv::positions_in(all_rows(rows, layer, head)), scores, count - left);
}

void Eviction::apply(kv::RowStore & rows) {
    const std::uint32_t group = heads_.group();
    for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
        if (!evicts(layer)) {
            continue;
        }
        kv::SlotRows & slots = rows.slots[layer];
        const Votes votes(slots, coming_, group);
        std::vector<kv::HeadRows> came;
        for (std::uint32_t kv_head = 0; kv_head < slots.shape().kv_heads; ++kv_head) {
            const std::vector<std::uint32_t> & going = layers_[layer].going[kv_head];
            const std::uint32_t before = slots.rows(kv_head);
            evicted_ += going.size();
            const auto move_sums = [&](std::uint32_t row, std::uint32_t slot) {  // as rows move
                for (std::uint32_t head = kv_head * group; accumulates() && head < (kv_head + 1) * group; ++head) {
                    float * numbers = layers_[layer].votes.floats() + votes.of_head(head);
                    numbers[slot] = numbers[row];
                }
            };
            // From the last on, so that the row which takes a slot stays.
            for (std::size_t index = going.size(); index-- > 0;) {
                if (going[index] < before) {
                    slots.remove(kv_head, going[index]);
                    move_sums(slots.rows(kv_head), going[index]);
                }
            }
            came.clear();
            rows.tail.view(layer, kv_head, came);
            std::uint32_t row = before;
            for (const kv::HeadRows & view : came) {
                for (std::uint32_t at = 0; at < view.rows; ++at, ++row) {
                    if (!std::binary_search(going.begin(), going.end(), row)) {
                        move_sums(row, slots.rows(kv_head));
                        slots.append(kv_head, {.keys = view.keys + at * slots.shape().key_bytes(),
                                               .values = view.values + at * slots.shape().value_stride(),
                                               .rows = 1,
                                               .first = view.position(at)});
                    }
                }
            }
            for (std::uint32_t head = kv_head * group; accumulates() && head < (kv_head + 1) * group; ++head) {
                const std::span<float> to = sums(rows, layer, head);
                std::copy_n(layers_[layer].votes.floats() + votes.of_head(head), to.size(), to.begin());
            }
        }
        layers_[layer].votes = Block();
    }
    tokens_ += std::exchange(coming_, 0);
}

std::span<const float> Eviction::sums(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head) const {
    const Block & block = layers_[layer].sums;
    if (block.size() == 0) {
        return {};
    }
    return {block.floats() + std::size_t{head} * rows.slots[layer].capacity(),
            rows.slots[layer].rows(head / heads_.group())};
}

std::span<float> Eviction::sums(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head) {
    Block & block = layers_[layer].sums;
    if (block.size() == 0) {
        return {};
    }
    return {block.floats() + std::size_t{head} * rows.slots[layer].capacity(),
            rows.slots[layer].rows(head / heads_.group())};
}

std::uint32_t Eviction::queries() const {
    return rule_.evidence == Evidence::Pivotal ? std::min(tokens_, room_) : 0;
}

std::span<float> Eviction::query(std::uint32_t layer, std::uint32_t index) {
    return {layers_[layer].queries.floats() + ((tokens_ - queries() + index) % room_) * query_floats_, query_floats_};
}

std::span<const float> Eviction::query(std::uint32_t layer, std::uint32_t index) const {
    return {layers_[layer].queries.floats() + ((tokens_ - queries() + index) % room_) * query_floats_, query_floats_};
}

void Eviction::restore(kv::Arena & arena, const kv::RowStore & rows, std::uint32_t queries, std::uint64_t evicted) {
    const bool pivotal = rule_.evidence == Evidence::Pivotal;
    room_ = pivotal ? rule_.window : 0;
    tokens_ = queries;
    evicted_ = evicted;
    for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
        if (evicts(layer)) {
            const std::size_t of_sums = std::size_t{heads_.heads} * rows.slots[layer].capacity();
            layers_[layer].sums = arena.allocate(accumulates() ? of_sums * sizeof(float) : 0);
            layers_[layer].queries = arena.allocate(room_ * query_floats_ * sizeof(float));
        }
    }
}

}  // namespace snapkv::run
