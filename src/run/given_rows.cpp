#include "run/given_rows.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <map>
#include <tuple>

#include "base/raise.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::run {

namespace {

/// What one thread takes at a time.
constexpr std::uint32_t kPortion = 256;

/// Rows that lie one after the other where they come from and where they go to.
struct Portion {
    const float * keys;
    const float * values;
    std::uint32_t row;  ///< the first, where it goes to
    std::uint32_t count;
    std::uint32_t twin;  ///< the first row of the first portion that comes from the same place: its own if it is that
};

/// Random rows for benchmarks come from a few places again and again: what is there is to be converted once.
void find_twins(std::span<Portion> portions) {
    std::map<std::tuple<const float *, const float *, std::uint32_t>, std::uint32_t> firsts;
    for (Portion & portion : portions) {
        portion.twin = firsts.try_emplace({portion.keys, portion.values, portion.count}, portion.row).first->second;
    }
}

/// Not where an element is no number: comparisons with it are false.
bool storable_row(const float * row, std::size_t size, float largest) {
    bool all = true;
    for (std::size_t i = 0; i < size; ++i) {
        all &= std::abs(row[i]) <= largest;
    }
    return all;
}

/// Checks and stores the rows of one head.
class HeadStore {
public:
    HeadStore(const HeadToFill & head, std::span<const Position> positions, kv::LayerRows & to)
        : head_(head), positions_(positions), shape_(to.shape()), to_(to) {}

    /// Throws where the pieces are not whole rows, or others than as many as positions.
    [[nodiscard]] std::vector<Portion> portions(std::span<const FloatRows> pieces) const {
        std::vector<Portion> portions;
        std::size_t rows = 0;
        for (const FloatRows & piece : pieces) {
            const std::size_t count = piece.keys.size() / shape_.key_size;
            if (piece.keys.size() % shape_.key_size != 0 || piece.values.size() != count * value_floats_) {
                raise_usage(
                    "layer {}, KV head {}: a piece of {} floats of keys and {} of values, expected {} and {} a row",
                    head_.layer, head_.kv_head, piece.keys.size(), piece.values.size(), shape_.key_size, value_floats_);
            }
            for (std::size_t first = 0; first < count && rows + first < positions_.size(); first += kPortion) {
                const auto row = static_cast<std::uint32_t>(rows + first);
                portions.push_back({piece.keys.data() + first * shape_.key_size,
                                    piece.values.data() + first * value_floats_, row,
                                    static_cast<std::uint32_t>(std::min<std::size_t>(kPortion, count - first)), row});
            }
            rows += count;
        }
        if (rows != positions_.size()) {
            raise_usage("layer {}, KV head {}: {} rows, expected one for each of {} positions", head_.layer,
                        head_.kv_head, rows, positions_.size());
        }
        find_twins(portions);
        return portions;
    }

    /// False where a row cannot be stored. Portions may be stored by several threads.
    [[nodiscard]] bool store(const Portion & portion) const {
        for (std::uint32_t i = 0; i < portion.count; ++i) {
            const float * key = portion.keys + std::size_t{i} * shape_.key_size;
            const float * value = portion.values + std::size_t{i} * value_floats_;
            if (!storable_row(key, shape_.key_size, largest_key_) ||
                (!shape_.values_in_keys && !storable_row(value, shape_.value_size, largest_value_))) {
                return false;
            }
            kv::encode_row(key, shape_.key_size, shape_.type.key, kv::key_rotation(shape_),
                           to_.key_row(head_.kv_head, portion.row + i));
            if (!shape_.values_in_keys) {
                kv::encode_row(value, shape_.value_size, shape_.type.value, kv::value_rotation(shape_),
                               to_.value_row(head_.kv_head, portion.row + i));
            }
        }
        return true;
    }

    /// The rows of its twin, which are stored.
    void copy(const Portion & portion) const {
        const std::uint32_t head = head_.kv_head;
        std::copy_n(to_.key_row(head, portion.twin), portion.count * shape_.key_bytes(),
                    to_.key_row(head, portion.row));
        std::copy_n(to_.value_row(head, portion.twin), portion.count * shape_.value_bytes(),
                    to_.value_row(head, portion.row));
    }

    /// Names the first element that cannot be stored, if there is one.
    void check(std::span<const Portion> portions) const {
        for (const Portion & portion : portions) {
            for (std::uint32_t i = 0; i < portion.count; ++i) {
                check(portion.keys + std::size_t{i} * shape_.key_size, shape_.key_size, largest_key_, "key",
                      portion.row + i);
                if (!shape_.values_in_keys) {
                    check(portion.values + std::size_t{i} * shape_.value_size, shape_.value_size, largest_value_,
                          "value", portion.row + i);
                }
            }
        }
    }

private:
    void check(const float * row, std::size_t size, float largest, const char * what, std::uint32_t index) const {
        for (std::size_t i = 0; i < size; ++i) {
            if (!storable_row(row + i, 1, largest)) {
                raise_input(
                    "layer {}, KV head {}: element {} of the {} at position {} is {}, expected a number of at most {}",
                    head_.layer, head_.kv_head, i, what, index_of(positions_[index]), row[i], largest);
            }
        }
    }

    const HeadToFill & head_;
    std::span<const Position> positions_;
    kv::LayerShape shape_;
    kv::LayerRows & to_;
    std::size_t value_floats_ = shape_.values_in_keys ? 0 : shape_.value_size;  ///< of a row, beside its key
    float largest_key_ = kv::largest_storable(shape_.type.key, kv::key_rotation(shape_));
    float largest_value_ = kv::largest_storable(shape_.type.value, kv::value_rotation(shape_));
};

/// Calls `work` for each, on all threads.
template <typename Work>
void for_portions(Compute & compute, std::span<const Portion> portions, const Work & work) {
    std::atomic<std::size_t> next = 0;
    compute.parallel([&] {
        for (std::size_t i = next++; i < portions.size() && !compute.halt().stopped(); i = next++) {
            work(portions[i]);
        }
    });
}

}  // namespace

void store_given(Compute & compute, const HeadToFill & head, std::span<const Position> positions,
                 std::span<const FloatRows> pieces, kv::LayerRows & to) {
    const HeadStore store(head, positions, to);
    const std::vector<Portion> portions = store.portions(pieces);
    const auto is_copied = [](const Portion & portion) { return portion.twin != portion.row; };
    std::atomic<bool> refused = false;
    for_portions(compute, portions, [&](const Portion & portion) {
        if (!is_copied(portion) && !store.store(portion)) {
            refused = true;
        }
    });
    if (refused) {
        store.check(portions);
    }
    if (std::any_of(portions.begin(), portions.end(), is_copied)) {
        for_portions(compute, portions, [&](const Portion & portion) {
            if (is_copied(portion)) {
                store.copy(portion);
            }
        });
    }
}

}  // namespace snapkv::run
