#include "attention/store.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "attention/oracle.h"

namespace snapkv::attention {
namespace {

using test::Random;

/// Stores numbers as the keys of one head, one row a number.
std::vector<std::byte> stored(const std::vector<float> & numbers, KvType type) {
    LayerUnit unit;
    unit.shape = {.kv_heads = 1, .key_size = 1, .value_size = 1, .type = type};
    std::vector<std::byte> keys(numbers.size() * unit.shape.key_bytes());
    std::vector<std::byte> values(keys.size());
    unit.stores = {{.count = static_cast<std::uint32_t>(numbers.size()), .keys = keys.data(), .values = values.data()}};
    store_rows(unit, numbers.data(), numbers.data(), 0, 1);
    EXPECT_EQ(keys, values);
    return keys;
}

double decode_bits(std::uint16_t bits, KvType type) {
    std::array<std::byte, 4> bytes{};  // room for any type
    std::memcpy(bytes.data(), &bits, sizeof bits);
    return test::decode(bytes.data(), type);
}

/// The step from the greatest finite element to infinity is as wide as the one before it.
double distance(double number, std::uint16_t bits, KvType type) {
    const double value = decode_bits(bits, type);
    if (std::isinf(value)) {
        const double greatest = decode_bits(static_cast<std::uint16_t>(bits - 1), type);
        const double before = decode_bits(static_cast<std::uint16_t>(bits - 2), type);
        return std::abs(number - (2 * greatest - before));
    }
    return std::abs(number - value);
}

/// No neighbour is nearer, and a neighbour as near is odd.
void expect_nearest_even(float number, std::uint16_t bits, KvType type) {
    ASSERT_EQ(std::signbit(number), (bits & 0x8000U) != 0) << number;
    const auto magnitude = static_cast<std::uint16_t>(bits & 0x7fffU);
    const auto infinity = static_cast<std::uint16_t>(type == KvType::F16 ? 0x7c00 : 0x7f80);
    ASSERT_LE(magnitude, infinity) << number;
    const double wanted = std::abs(double{number});
    const double error = distance(wanted, magnitude, type);
    std::vector<std::uint16_t> neighbours;
    if (magnitude > 0) {
        neighbours.push_back(static_cast<std::uint16_t>(magnitude - 1));
    }
    if (magnitude < infinity) {
        neighbours.push_back(static_cast<std::uint16_t>(magnitude + 1));
    }
    for (const std::uint16_t neighbour : neighbours) {
        const double other = distance(wanted, neighbour, type);
        if (magnitude == infinity && other < error) {
            continue;
        }
        ASSERT_LE(error, other) << number << " became " << bits;
        if (error == other) {
            ASSERT_EQ(magnitude % 2, 0) << number << " became " << bits;
        }
    }
}

/// Numbers of every magnitude, exact ties included, then the edges.
std::vector<float> telling_numbers() {
    std::vector<float> numbers;
    Random random(1);
    for (int exponent = -30; exponent <= 20; ++exponent) {
        for (int i = 0; i < 40; ++i) {
            numbers.push_back(std::ldexp(random.number(), exponent));
        }
        // Halfway between two elements: an odd multiple of half a step, for both formats.
        for (const int odd : {2049, 2051, 2053, 3071, 4095, 257, 259, 261, 383, 511}) {
            numbers.push_back(std::ldexp(static_cast<float>(odd), exponent - 8));
            numbers.push_back(-std::nextafter(numbers.back(), 0.0F));
            numbers.push_back(std::nextafter(numbers[numbers.size() - 2], 1e30F));
        }
    }
    for (const float edge : {0.0F, -0.0F, 65504.0F, 65519.0F, std::ldexp(1.0F, -24), std::ldexp(1.0F, -25),
                             std::ldexp(3.0F, -25), std::ldexp(1023.5F, -24), std::ldexp(1.0F, -14)}) {
        numbers.push_back(edge);
        numbers.push_back(-edge);
    }
    return numbers;
}

TEST(StoreRows, RoundsToNearestEven) {
    for (const KvType type : {KvType::F16, KvType::BF16}) {
        std::vector<float> numbers;
        for (const float number : telling_numbers()) {
            if (type == KvType::BF16 || std::abs(number) < 65520) {
                numbers.push_back(number);
            }
        }
        const std::vector<std::byte> keys = stored(numbers, type);
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            std::uint16_t bits = 0;
            std::memcpy(&bits, keys.data() + 2 * i, 2);
            expect_nearest_even(numbers[i], bits, type);
        }
    }
}

TEST(StoreRows, KeepsWhatIsNoFiniteNumber) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> numbers{infinity, -infinity, std::nanf(""), 65520.0F, -1e30F};
    const std::vector<std::byte> halves = stored(numbers, KvType::F16);
    const std::vector<std::byte> brains = stored(numbers, KvType::BF16);
    for (const auto & [keys, type] : {std::pair{&halves, KvType::F16}, {&brains, KvType::BF16}}) {
        EXPECT_EQ(test::decode(keys->data(), type), infinity);
        EXPECT_EQ(test::decode(keys->data() + 2, type), -infinity);
        EXPECT_TRUE(std::isnan(test::decode(keys->data() + 4, type)));
    }
    EXPECT_EQ(test::decode(halves.data() + 6, KvType::F16), infinity) << "beyond the greatest half";
    EXPECT_EQ(test::decode(halves.data() + 8, KvType::F16), -infinity);
    EXPECT_NEAR(test::decode(brains.data() + 8, KvType::BF16), -1e30, 1e28);
}

TEST(StoreRows, CopiesFloatsBitByBit) {
    std::vector<float> numbers = telling_numbers();
    numbers.push_back(std::bit_cast<float>(std::uint32_t{0x7fc01234}));
    const std::vector<std::byte> keys = stored(numbers, KvType::F32);
    EXPECT_EQ(std::memcmp(keys.data(), numbers.data(), keys.size()), 0);
}

/// Two sequences' rows of one chunk, with a row between that goes nowhere, to places with gaps between heads.
struct Scattered {
    static constexpr std::uint32_t kHeads = 3;
    static constexpr std::size_t kGap = 8;  ///< bytes after each head's rows

    explicit Scattered(KvType type) {
        unit.shape = {.kv_heads = kHeads, .key_size = 5, .value_size = 3, .type = type};
        places[0] = place(4);
        places[1] = place(9);
        unit.stores = {span(0, 4, places[0]), span(5, 9, places[1])};
    }

    struct Place {
        std::vector<std::byte> keys;
        std::vector<std::byte> values;
    };
    [[nodiscard]] Place place(std::uint32_t rows) const {
        return {std::vector<std::byte>(kHeads * (rows * unit.shape.key_bytes() + kGap), std::byte{0xa5}),
                std::vector<std::byte>(kHeads * (rows * unit.shape.value_bytes() + kGap), std::byte{0xa5})};
    }
    [[nodiscard]] StoreSpan span(std::uint32_t row, std::uint32_t count, Place & to) const {
        return {row,
                count,
                to.keys.data(),
                to.values.data(),
                count * unit.shape.key_bytes() + kGap,
                count * unit.shape.value_bytes() + kGap};
    }

    LayerUnit unit;
    std::array<Place, 2> places;
};

/// Runs `body(thread, threads)` on as many threads.
template <typename Body>
void on_threads(int threads, const Body & body) {
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread) {
        running.emplace_back([&body, thread, threads] { body(thread, threads); });
    }
    for (std::thread & thread : running) {
        thread.join();
    }
}

TEST(StoreRows, WritesEverySpansRowsAndNothingElse) {
    Random random(2);
    // Small whole numbers, which every type holds.
    std::vector<float> keys(std::size_t{14} * 3 * 5);
    std::vector<float> values(std::size_t{14} * 3 * 3);
    for (std::vector<float> * numbers : {&keys, &values}) {
        for (float & number : *numbers) {
            number = static_cast<float>(random.below(256));
        }
    }
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16}) {
        for (const int threads : {1, 2, 3, 7}) {
            Scattered to(type);
            on_threads(threads,
                       [&](int thread, int of) { store_rows(to.unit, keys.data(), values.data(), thread, of); });
            for (std::size_t index = 0; index < 2; ++index) {
                const StoreSpan & span = to.unit.stores[index];
                for (std::uint32_t head = 0; head < Scattered::kHeads; ++head) {
                    const std::byte * key = span.keys + head * span.key_head_stride;
                    const std::byte * value = span.values + head * span.value_head_stride;
                    const std::size_t size = kv_row_bytes(type, 1);
                    for (std::uint32_t row = 0; row < span.count; ++row) {
                        const std::size_t source = (span.row + row) * std::size_t{3} + head;
                        for (std::size_t k = 0; k < 5; ++k) {
                            EXPECT_EQ(test::decode(key + (row * 5 + k) * size, type), double{keys[source * 5 + k]});
                        }
                        for (std::size_t k = 0; k < 3; ++k) {
                            EXPECT_EQ(test::decode(value + (row * 3 + k) * size, type), double{values[source * 3 + k]});
                        }
                    }
                    for (std::size_t gap = 0; gap < Scattered::kGap; ++gap) {
                        EXPECT_EQ(key[span.count * 5 * size + gap], std::byte{0xa5});
                        EXPECT_EQ(value[span.count * 3 * size + gap], std::byte{0xa5});
                    }
                }
            }
        }
    }
}

TEST(StoreRows, OfNoSpansWritesNothing) {
    const LayerUnit unit;
    store_rows(unit, nullptr, nullptr, 0, 1);
}

TEST(CaptureRows, CopiesEverySpansQueriesAndNothingElse) {
    Random random(3);
    LayerUnit unit;
    unit.spec = {.heads = 4, .kv_heads = 2, .key_size = 7, .value_size = 5};
    constexpr std::size_t kRow = std::size_t{4} * 7;
    const std::vector<float> q = random.numbers(10 * kRow);
    for (const int threads : {1, 2, 3, 7}) {
        std::vector<float> first(3 * kRow + 1, -5.0F);
        std::vector<float> second(4 * kRow + 1, -5.0F);
        unit.captures = {{.row = 1, .count = 3, .queries = first.data()},
                         {.row = 6, .count = 4, .queries = second.data()},
                         {.row = 5, .count = 0, .queries = nullptr}};
        on_threads(threads, [&](int thread, int of) { capture_rows(unit, q.data(), thread, of); });
        EXPECT_EQ(std::memcmp(first.data(), q.data() + kRow, 3 * kRow * sizeof(float)), 0);
        EXPECT_EQ(std::memcmp(second.data(), q.data() + 6 * kRow, 4 * kRow * sizeof(float)), 0);
        EXPECT_EQ(first.back(), -5.0F);
        EXPECT_EQ(second.back(), -5.0F);
    }
}

}  // namespace
}  // namespace snapkv::attention
