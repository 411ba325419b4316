#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attention/spec.h"
#include "attention/unit.h"
#include "kv/head_rows.h"
#include "kv/shape.h"

/// The naive counterpart of src/attention: loops in double precision that share no code with it, and data to try both
/// on.
namespace snapkv::attention::test {

inline constexpr double kNegativeInfinity = -std::numeric_limits<double>::infinity();

/// Names a test's parameter.
inline std::string type_name(const testing::TestParamInfo<KvType> & param) {
    switch (param.param) {
        case KvType::F32:
            return "F32";
        case KvType::BF16:
            return "BF16";
        case KvType::Q8_0:
            return "Q8_0";
        case KvType::Q4_0:
            return "Q4_0";
        case KvType::F16:
            break;
    }
    return "F16";
}

/// The same numbers on every machine: the generator is fixed by the standard, its distributions are not.
class Random {
public:
    explicit Random(std::uint32_t seed) : engine_(seed) {}

    /// Uniform in [-1, 1).
    float number() { return static_cast<float>(static_cast<double>(engine_()) / 2147483648.0 - 1.0); }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }

    std::vector<float> numbers(std::size_t count, float scale = 1) {
        std::vector<float> result(count);
        std::generate(result.begin(), result.end(), [&] { return scale * number(); });
        return result;
    }

private:
    std::mt19937 engine_;
};

/// The value of a stored element of a type without blocks, from its bits.
inline double decode(const std::byte * from, KvType type) {
    std::uint32_t bits = 0;
    if (type == KvType::F32) {
        std::memcpy(&bits, from, 4);
        return double{std::bit_cast<float>(bits)};
    }
    std::uint16_t half = 0;
    std::memcpy(&half, from, 2);
    if (type == KvType::BF16) {
        bits = std::uint32_t{half} << 16U;
        return double{std::bit_cast<float>(bits)};
    }
    const double sign = (half & 0x8000U) != 0 ? -1 : 1;
    const int exponent = (half >> 10U) & 0x1f;
    const int fraction = half & 0x3ff;
    if (exponent == 31) {
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    }
    return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25));
}

/// The values of a stored row, from its bits: of a quantised one as they are stored, not rotated back.
inline std::vector<double> stored_row(const std::byte * row, std::size_t size, KvType type) {
    std::vector<double> values(size);
    for (std::size_t k = 0; k < size && type != KvType::Q8_0 && type != KvType::Q4_0; ++k) {
        values[k] = decode(row + k * (type == KvType::F32 ? 4 : 2), type);
    }
    for (std::size_t k = 0; k < size && (type == KvType::Q8_0 || type == KvType::Q4_0); ++k) {
        const std::size_t within = k % 32;
        if (type == KvType::Q8_0) {
            const std::byte * block = row + k / 32 * 34;
            const auto number = static_cast<std::int8_t>(block[2 + within]);
            values[k] = decode(block, KvType::F16) * number;
        } else {
            const std::byte * block = row + k / 32 * 18;
            const auto pair = static_cast<int>(block[2 + within % 16]);
            values[k] = decode(block, KvType::F16) * ((within < 16 ? pair % 16 : pair / 16) - 8);
        }
    }
    return values;
}

/// Times the Hadamard matrix of size `count`, a power of two, by its definition in halves.
inline void hadamard(double * x, std::size_t count) {
    if (count == 1) {
        return;
    }
    const std::size_t half = count / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const double a = x[i];
        x[i] = a + x[half + i];
        x[half + i] = a - x[half + i];
    }
    hadamard(x, half);
    hadamard(x + half, half);
}

/// The same as attention takes it where rows are rotated: a quantised row lies in the cache rotated by a Hadamard
/// matrix over the root of its size, the greatest power of two in the head's size (up to 512), which is its own
/// inverse.
inline std::vector<double> restored_row(const std::byte * row, std::size_t size, KvType type) {
    std::vector<double> values = stored_row(row, size, type);
    if (type == KvType::Q8_0 || type == KvType::Q4_0) {
        std::size_t power = 512;
        while (size % power != 0) {
            power /= 2;
        }
        for (std::size_t first = 0; first < size; first += power) {
            hadamard(values.data() + first, power);
        }
        for (double & value : values) {
            value /= std::sqrt(static_cast<double>(power));
        }
    }
    return values;
}
inline std::vector<std::byte> encode(std::span<const float> numbers, KvType type);

/// Blocks of 32 whose scale is that of their greatest number.
inline std::vector<std::byte> encode_blocks(std::span<const float> numbers, KvType type) {
    const bool bytes = type == KvType::Q8_0;
    std::vector<std::byte> stored;
    for (std::size_t first = 0; first < numbers.size(); first += 32) {
        float greatest = 0;
        for (const float number : numbers.subspan(first, 32)) {
            greatest = std::max(greatest, std::abs(number));
        }
        const float wanted = greatest / (bytes ? 126.0F : 7.0F);
        const std::vector<std::byte> scale = encode(std::span(&wanted, 1), KvType::F16);
        const double unit = std::max(decode(scale.data(), KvType::F16), 1e-7);
        std::array<int, 32> rounded{};
        for (std::size_t i = 0; i < 32; ++i) {
            rounded[i] = static_cast<int>(
                std::clamp(std::round(numbers[first + i] / unit), bytes ? -127.0 : -8.0, bytes ? 127.0 : 7.0));
        }
        stored.insert(stored.end(), scale.begin(), scale.end());
        for (std::size_t i = 0; i < (bytes ? 32U : 16U); ++i) {
            stored.push_back(
                static_cast<std::byte>(bytes ? rounded[i] : (rounded[i] + 8) + 16 * (rounded[i + 16] + 8)));
        }
    }
    return stored;
}

/// Elements of `type` near the given numbers (below 2 in magnitude): cut, not rounded, which is as good as any for test
/// data.
inline std::vector<std::byte> encode(std::span<const float> numbers, KvType type) {
    if (type == KvType::Q8_0 || type == KvType::Q4_0) {
        return encode_blocks(numbers, type);
    }
    const std::size_t size = type == KvType::F32 ? 4 : 2;
    std::vector<std::byte> stored(numbers.size() * size);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        auto bits = std::bit_cast<std::uint32_t>(numbers[i]);
        if (type == KvType::BF16) {
            bits >>= 16U;
        } else if (type == KvType::F16) {
            const auto magnitude = static_cast<std::uint32_t>(std::abs(numbers[i]) * 16777216.0F);  // units of 2^-24
            const auto width = static_cast<std::uint32_t>(std::bit_width(magnitude));
            const std::uint32_t shift = width > 11 ? width - 11 : 0;
            bits = (numbers[i] < 0 ? 0x8000U : 0U) | ((shift << 10U) + (magnitude >> shift));
        }
        std::memcpy(stored.data() + i * size, &bits, size);
    }
    return stored;
}

/// Rows of one KV head that own their memory, to the byte, so that a sanitizer sees what reads beyond.
struct OwnedRows {
    std::vector<std::byte> keys;
    std::vector<std::byte> values;  ///< empty: the keys' beginning
    std::uint32_t rows = 0;
    std::vector<Position> positions;  ///< empty: consecutive
    Position first{};

    [[nodiscard]] kv::HeadRows view() const {
        return {keys.data(), values.empty() ? keys.data() : values.data(), rows,
                positions.empty() ? nullptr : positions.data(), first};
    }
};

inline OwnedRows random_rows(Random & random, const kv::LayerShape & shape, std::uint32_t first, std::uint32_t rows) {
    OwnedRows owned;
    owned.keys = encode(random.numbers(std::size_t{rows} * shape.key_size), shape.type.key);
    if (!shape.values_in_keys) {
        owned.values = encode(random.numbers(std::size_t{rows} * shape.value_size), shape.type.value);
    }
    owned.rows = rows;
    owned.first = Position{first};
    return owned;
}

/// Rows at `rows` scattered positions from `first` on, with gaps of up to 3.
inline OwnedRows random_packed(Random & random, const kv::LayerShape & shape, std::uint32_t first, std::uint32_t rows) {
    OwnedRows owned = random_rows(random, shape, first, rows);
    std::uint32_t at = first;
    for (std::uint32_t row = 0; row < rows; ++row, ++at) {
        at += random.below(4);
        owned.positions.push_back(Position{at});
    }
    return owned;
}

/// Softmax over some rows: sum of exp(x - maximum), and the sum of values weighted with it, not yet divided.
struct Softmax {
    double maximum = kNegativeInfinity;
    double sum = 0;
    std::vector<double> values;
};

/// The rows of a view in double precision, as attention takes them.
struct DecodedRows {
    kv::HeadRows view;
    std::vector<double> keys;    ///< [rows][key size]
    std::vector<double> values;  ///< [rows][value size]
};

inline std::vector<DecodedRows> decoded(const kv::LayerShape & shape, std::span<const kv::HeadRows> views) {
    const auto append = [&](std::vector<double> & to, const std::byte * row, std::size_t size, KvType type,
                            std::size_t taken) {
        const std::vector<double> values = shape.rotated ? restored_row(row, size, type) : stored_row(row, size, type);
        to.insert(to.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken));
    };
    std::vector<DecodedRows> result;
    for (const kv::HeadRows & view : views) {
        DecodedRows & rows = result.emplace_back(DecodedRows{view, {}, {}});
        for (std::uint32_t row = 0; row < view.rows; ++row) {
            append(rows.keys, view.keys + row * shape.key_bytes(), shape.key_size, shape.type.key, shape.key_size);
            // A value within its key is restored with it.
            append(rows.values, view.values + row * shape.value_stride(),
                   shape.values_in_keys ? shape.key_size : shape.value_size, shape.type.value, shape.value_size);
        }
    }
    return result;
}

/// Before what ALiBi takes off.
inline double logit_of(const AttentionSpec & spec, const float * query, const double * key) {
    double dot = 0;
    for (std::uint32_t k = 0; k < spec.key_size; ++k) {
        dot += double{query[k]} * key[k];
    }
    const double logit = double{spec.scale} * dot;
    return spec.soft_cap > 0 ? double{spec.soft_cap} * std::tanh(logit / double{spec.soft_cap}) : logit;
}

/// `sees(rows, row)` says which rows count; `position` and `head` are the query's.
inline Softmax softmax_over(const AttentionSpec & spec, const float * query, std::span<const DecodedRows> views,
                            const std::function<bool(const DecodedRows &, std::uint32_t)> & sees,
                            std::uint32_t position = 0, std::uint32_t head = 0) {
    std::vector<std::pair<double, const double *>> seen;
    Softmax result;
    for (const DecodedRows & rows : views) {
        for (std::uint32_t row = 0; row < rows.view.rows; ++row) {
            if (sees(rows, row)) {
                const auto distance = static_cast<double>(position) - index_of(rows.view.position(row));
                const double logit = logit_of(spec, query, rows.keys.data() + std::size_t{row} * spec.key_size) -
                                     double{spec.slope(head)} * distance;
                seen.emplace_back(logit, rows.values.data() + std::size_t{row} * spec.value_size);
                result.maximum = std::max(result.maximum, logit);
            }
        }
    }
    result.values.resize(spec.value_size);
    for (const auto & [logit, value] : seen) {
        const double weight = std::exp(logit - result.maximum);
        result.sum += weight;
        for (std::uint32_t k = 0; k < spec.value_size; ++k) {
            result.values[k] += weight * value[k];
        }
    }
    return result;
}

/// Whether a query at `position` sees a row at `of`.
inline bool is_seen(const AttentionSpec & spec, std::uint32_t position, Position of) {
    return index_of(of) <= position && (spec.sliding_window == 0 || position - index_of(of) < spec.sliding_window);
}

/// Attention of one query; zeros where it sees nothing.
inline std::vector<double> attend(const AttentionSpec & spec, const float * query, std::span<const DecodedRows> views,
                                  std::uint32_t position, std::uint32_t head) {
    Softmax softmax = softmax_over(
        spec, query, views,
        [&](const DecodedRows & rows, std::uint32_t row) { return is_seen(spec, position, rows.view.position(row)); },
        position, head);
    if (softmax.sum > 0 && !spec.sinks.empty()) {
        softmax.sum += std::exp(double{spec.sinks[head]} - softmax.maximum);
    }
    for (double & value : softmax.values) {
        value /= softmax.sum > 0 ? softmax.sum : 1;
    }
    return softmax.values;
}

/// The rows of a token's path as they would follow a sequence whose next position is `first`.
inline DecodedRows on_path(const AttentionSpec & spec, const DecodedRows & tree, std::span<const std::uint32_t> path,
                           Position first) {
    DecodedRows rows{{.rows = static_cast<std::uint32_t>(path.size()), .first = first}, {}, {}};
    const auto append = [](std::vector<double> & to, const std::vector<double> & from, std::size_t row,
                           std::size_t size) {
        const std::span<const double> taken = std::span(from).subspan(row * size, size);
        to.insert(to.end(), taken.begin(), taken.end());
    };
    for (const std::uint32_t token : path) {
        append(rows.keys, tree.keys, token, spec.key_size);
        append(rows.values, tree.values, token, spec.value_size);
    }
    return rows;
}

/// Attention of all of a unit's queries q, [chunk rows][heads][value size]; zeros for padding.
inline std::vector<double> attend(const LayerUnit & unit, std::uint32_t chunk_rows, const std::vector<float> & q) {
    const AttentionSpec & spec = unit.spec;
    std::vector<double> out(std::size_t{chunk_rows} * spec.heads * spec.value_size);
    for (const QuerySpan & span : unit.queries) {
        for (std::uint32_t head = 0; head < spec.heads; ++head) {
            std::vector<DecodedRows> rows = decoded(unit.shape, span.rows[head / spec.group()]);
            std::vector<DecodedRows> of_tree;
            if (span.tree) {
                of_tree = decoded(unit.shape, std::span(span.tree->rows).subspan(head / spec.group(), 1));
                rows.emplace_back();
            }
            for (std::uint32_t i = 0; i < span.count; ++i) {
                const std::size_t at = std::size_t{span.row + i} * spec.heads + head;
                std::uint32_t position = index_of(span.first) + i;
                if (span.tree) {
                    const std::span<const std::uint32_t> path = span.tree->tree->path(i);
                    position = index_of(span.first) + static_cast<std::uint32_t>(path.size()) - 1;
                    rows.back() = on_path(spec, of_tree.front(), path, span.first);
                }
                const std::vector<double> one = attend(spec, q.data() + at * spec.key_size, rows, position, head);
                std::copy(one.begin(), one.end(), out.data() + at * spec.value_size);
            }
        }
    }
    return out;
}

/// Squared error over squared expectation; infinite where anything is not finite.
inline double nmse(std::span<const float> found, std::span<const double> expected) {
    double error = 0;
    double total = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!std::isfinite(found[i])) {
            return std::numeric_limits<double>::infinity();
        }
        error += (double{found[i]} - expected[i]) * (double{found[i]} - expected[i]);
        total += expected[i] * expected[i];
    }
    return total > 0 ? error / total : error;
}

}  // namespace snapkv::attention::test
