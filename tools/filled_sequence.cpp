#include "snapkv/tools/filled_sequence.h"

#include <algorithm>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "base/out_of_memory.h"

namespace snapkv {

namespace {

constexpr std::uint32_t kPoolRows = 512;
constexpr std::uint32_t kPieceRows = 256;  ///< rows in a row that are taken from one place of the pool
constexpr std::uint32_t kPlaceRows = 16;   ///< from one place to the next: a layer converts what is at each only once

/// From -1 to 1 with variance 1/3, the same on every machine.
float uniform(std::mt19937 & random) {
    return static_cast<float>(static_cast<double>(random()) / 2147483648.0 - 1.0);
}

/// Some hundred random rows of each KV head: what the rows of all layers are taken from.
class RowPool {
public:
    RowPool(const ModelInfo & model, std::mt19937 & random)
        : key_size_(model.key_size), value_size_(model.values_in_keys ? 0 : model.value_size), random_(random) {
        keys_.resize(std::size_t{kPoolRows} * model.kv_heads * key_size_);
        values_.resize(std::size_t{kPoolRows} * model.kv_heads * value_size_);
        std::generate(keys_.begin(), keys_.end(), [&] { return uniform(random); });
        std::generate(values_.begin(), values_.end(), [&] { return uniform(random); });
    }

    /// Pieces that together are `n` rows.
    [[nodiscard]] std::vector<FloatRows> rows(std::uint32_t kv_head, std::size_t n) const {
        std::vector<FloatRows> pieces;
        while (n > 0) {
            const std::size_t count = std::min<std::size_t>(n, kPieceRows);
            const std::size_t place = random_() % ((kPoolRows - kPieceRows) / kPlaceRows);
            const std::size_t row = std::size_t{kv_head} * kPoolRows + place * kPlaceRows;
            pieces.push_back({std::span(keys_).subspan(row * key_size_, count * key_size_),
                              std::span(values_).subspan(row * value_size_, count * value_size_)});
            n -= count;
        }
        return pieces;
    }

private:
    std::size_t key_size_;
    std::size_t value_size_;  ///< 0: values are part of the keys
    std::mt19937 & random_;
    std::vector<float> keys_;  ///< [KV head][row][element]
    std::vector<float> values_;
};

/// Sinks, then positions spread evenly over those that are voted on, another place for each head, then the recent rows.
std::vector<Position> spread_positions(const HeadToFill & head, std::mt19937 & random) {
    if (head.rows == head.end - index_of(head.first)) {
        return positions_from(head.first, head.rows);
    }
    std::vector<Position> kept(head.rows);
    const std::uint32_t voted = head.rows - head.recent - head.sink;
    const double gap = static_cast<double>(head.end - head.recent - head.sink) / std::max(voted, 1U);
    const double place = (uniform(random) + 1.0) / 2 * 0.999;
    for (std::uint32_t i = 0; i < head.rows; ++i) {
        if (i < head.sink) {
            kept[i] = Position{i};
        } else if (i < head.sink + voted) {
            kept[i] = Position{head.sink + static_cast<std::uint32_t>((i - head.sink + place) * gap)};
        } else {
            kept[i] = Position{head.end - (head.rows - i)};
        }
    }
    return kept;
}

}  // namespace

std::optional<Sequence> filled_sequence(Session & session, std::uint32_t depth, const CacheConfig & cache,
                                        std::uint32_t seed) try {
    std::mt19937 random(seed);
    const ModelInfo & model = session.model().info();
    std::vector<Token> tokens(depth);
    std::generate(tokens.begin(), tokens.end(), [&] { return static_cast<Token>(random() % model.vocabulary); });
    const RowPool pool(model, random);
    return session.make_sequence(
        tokens, cache,
        {.positions = [&](const HeadToFill & head) { return spread_positions(head, random); },
         .rows = [&](const HeadToFill & head,
                     std::span<const Position> positions) { return pool.rows(head.kv_head, positions.size()); }});
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv
