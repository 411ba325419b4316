#include "attention/cpu/attend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "attention/cpu/instruction_sets.h"
#include "attention/oracle.h"
#include "attention/store.h"
#include "kv/layer_rows.h"
#include "kv/tail.h"

namespace snapkv::attention {
namespace {

using test::OwnedRows;
using test::Random;

/// What an output holds before: rows that nobody writes show.
constexpr float kUntouched = 12345;

AttentionSpec spec_of(std::uint32_t kv_heads, std::uint32_t group, std::uint32_t key_size, std::uint32_t value_size) {
    AttentionSpec spec{.heads = kv_heads * group, .kv_heads = kv_heads, .key_size = key_size, .value_size = value_size};
    spec.scale = 6.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

LayerUnit unit_of(const AttentionSpec & spec, KvTypes type) {
    LayerUnit unit;
    unit.spec = spec;
    unit.shape = {.kv_heads = spec.kv_heads, .key_size = spec.key_size, .value_size = spec.value_size, .type = type};
    return unit;
}

/// Runs `body` on `threads` threads and waits for all of them.
template <typename Body>
void on_threads(std::uint32_t threads, const Body & body) {
    std::vector<std::thread> running;
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
        running.emplace_back([&body, thread] { body(thread); });
    }
    for (std::thread & thread : running) {
        thread.join();
    }
}

std::vector<float> run(const LayerUnit & unit, std::uint32_t chunk_rows, const std::vector<float> & q,
                       std::uint32_t threads) {
    cpu::Attend attend;
    attend.prepare(unit, chunk_rows, threads);
    std::vector<float> out(std::size_t{chunk_rows} * unit.spec.heads * unit.spec.value_size, kUntouched);
    std::vector<std::vector<float>> scratch(threads, std::vector<float>(attend.thread_floats(), std::nanf("")));
    std::vector<float> partials(attend.partial_floats(), std::nanf(""));
    on_threads(threads, [&](std::uint32_t thread) {
        attend.attend(thread, q.data(), out.data(), scratch[thread].data(), partials.data());
    });
    return out;
}

bool same_bits(const std::vector<float> & a, const std::vector<float> & b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Tolerance {
    double nmse;
    double element;
};

/// Bfloat16 products round queries, keys, values and weights to 8 bits.
Tolerance tolerance_of(const LayerUnit & unit, const cpu::InstructionSet & set) {
    return set.bf16 && unit.shape.type != KvType::F32 ? Tolerance{1e-4, 0.05} : Tolerance{1e-10, 1e-4};
}

std::vector<double> expect(const LayerUnit & unit, std::uint32_t chunk_rows, const std::vector<float> & q) {
    const AttentionSpec & spec = unit.spec;
    std::vector<double> expected(std::size_t{chunk_rows} * spec.heads * spec.value_size);
    for (const QuerySpan & span : unit.queries) {
        for (std::uint32_t i = 0; i < span.count; ++i) {
            for (std::uint32_t head = 0; head < spec.heads; ++head) {
                const std::size_t at = std::size_t{span.row + i} * spec.heads + head;
                const std::vector<double> row =
                    test::attend(spec, unit.shape, q.data() + at * spec.key_size, span.rows[head / spec.group()],
                                 index_of(span.first) + i, head);
                std::copy(row.begin(), row.end(), expected.data() + at * spec.value_size);
            }
        }
    }
    return expected;
}

/// With every instruction set: compares every span with the oracle and every other row with zero, then the bits for
/// several numbers of threads.
void check(const LayerUnit & unit, std::uint32_t chunk_rows, std::uint32_t seed) {
    Random random(seed);
    const std::vector<float> q = random.numbers(std::size_t{chunk_rows} * unit.spec.heads * unit.spec.key_size);
    const std::vector<double> expected = expect(unit, chunk_rows, q);
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        const Tolerance tolerance = tolerance_of(unit, set);
        const std::vector<float> out = run(unit, chunk_rows, q, 1);
        EXPECT_LT(test::nmse(out, expected), tolerance.nmse);
        for (std::size_t i = 0; i < out.size(); ++i) {
            ASSERT_NEAR(out[i], expected[i], tolerance.element) << i;
            if (expected[i] == 0) {
                ASSERT_EQ(out[i], 0) << "padding, or a row that sees nothing, at " << i;
            }
        }
        for (const std::uint32_t threads : {2U, 3U, 5U}) {
            EXPECT_TRUE(same_bits(run(unit, chunk_rows, q, threads), out)) << threads << " threads";
        }
    }
}

/// Rows of every KV head, and the span that looks at all of them.
class Sequence {
public:
    explicit Sequence(const LayerUnit & unit) : heads_(unit.spec.kv_heads) {}

    Sequence & dense(Random & random, const kv::LayerShape & shape, std::uint32_t first, std::uint32_t rows) {
        for (auto & head : heads_) {
            head.push_back(random_rows(random, shape, first, rows));
        }
        return *this;
    }

    /// Every head other positions and another number of rows, which may be none.
    Sequence & ragged(Random & random, const kv::LayerShape & shape, std::uint32_t rows) {
        for (std::uint32_t head = 0; head < heads_.size(); ++head) {
            heads_[head].push_back(random_packed(random, shape, head, rows * head / 2));
        }
        return *this;
    }

    [[nodiscard]] QuerySpan span(std::uint32_t row, std::uint32_t count, std::uint32_t first) const {
        QuerySpan span{.row = row, .count = count, .first = Position{first}, .rows = {}};
        for (const auto & head : heads_) {
            std::vector<kv::HeadRows> & views = span.rows.emplace_back();
            for (const OwnedRows & rows : head) {
                views.push_back(rows.view());
            }
        }
        return span;
    }

private:
    std::vector<std::vector<OwnedRows>> heads_;
};

class AttendTypes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, AttendTypes, testing::Values(KvType::F32, KvType::F16, KvType::BF16), test::type_name);

TEST_P(AttendTypes, FewAndManyRowsOnBothSidesOfTheBorder) {
    struct Case {
        std::uint32_t group;
        std::uint32_t count;
    };
    for (const auto & [group, count] :
         {Case{1, 1}, {1, 15}, {1, 16}, {1, 17}, {3, 5}, {3, 6}, {8, 1}, {8, 2}, {8, 3}, {16, 1}, {17, 1}, {1, 130}}) {
        SCOPED_TRACE(testing::Message() << "group " << group << ", tokens " << count);
        for (const std::uint32_t before : {0U, 63U, 64U, 255U, 256U, 257U, 600U}) {
            LayerUnit unit = unit_of(spec_of(2, group, 12, 10), GetParam());
            Random random(1);
            const auto sequence = Sequence(unit).dense(random, unit.shape, 0, before + count);
            unit.queries = {sequence.span(0, count, before)};
            check(unit, count, 2);
        }
    }
}

TEST_P(AttendTypes, SeveralSequencesAndPaddingInOneChunk) {
    LayerUnit unit = unit_of(spec_of(2, 3, 31, 33), GetParam());
    Random random(3);
    const auto decode = Sequence(unit).dense(random, unit.shape, 0, 300);
    const auto prefill = Sequence(unit).dense(random, unit.shape, 0, 140);
    const auto first_token = Sequence(unit).dense(random, unit.shape, 0, 1);
    unit.queries = {prefill.span(3, 40, 100), decode.span(0, 1, 299), first_token.span(50, 1, 0)};
    check(unit, 64, 4);
}

TEST_P(AttendTypes, TrunkAndSuffix) {
    for (const std::uint32_t count : {2U, 25U}) {
        LayerUnit unit = unit_of(spec_of(3, 3, 64, 64), GetParam());
        Random random(5);
        const auto branch = Sequence(unit).dense(random, unit.shape, 0, 333).dense(random, unit.shape, 333, count);
        const auto other = Sequence(unit).dense(random, unit.shape, 0, 200).dense(random, unit.shape, 200, 7);
        unit.queries = {branch.span(0, count, 333), other.span(count, 7, 200)};
        check(unit, 64, 6);
    }
}

TEST_P(AttendTypes, RaggedHeadsAndATail) {
    for (const std::uint32_t count : {1U, 30U}) {
        LayerUnit unit = unit_of(spec_of(4, 2, 20, 12), GetParam());
        Random random(7);
        const auto sequence = Sequence(unit)
                                  .ragged(random, unit.shape, 150)
                                  .dense(random, unit.shape, 2000, 256)
                                  .dense(random, unit.shape, 2256, count);
        unit.queries = {sequence.span(1, count, 2256)};
        check(unit, count + 3, 8);
    }
}

TEST(Attend, QuantisedRowsOfEverySizeOfHead) {
    for (const KvTypes types : {KvTypes(KvType::Q8_0), KvTypes(KvType::Q4_0), KvTypes(KvType::Q8_0, KvType::Q4_0),
                                KvTypes(KvType::BF16, KvType::Q8_0)}) {
        for (const std::uint32_t size : {32U, 64U, 96U, 192U, 256U, 512U}) {
            for (const std::uint32_t count : {1U, 3U, 20U}) {
                LayerUnit unit = unit_of(spec_of(2, 3, size, size), types);
                Random random(26);
                const auto sequence = Sequence(unit)
                                          .ragged(random, unit.shape, 150)
                                          .dense(random, unit.shape, 500, 256)
                                          .dense(random, unit.shape, 756, count);
                unit.queries = {sequence.span(0, count, 756)};
                check(unit, count, 27);
            }
        }
    }
}

TEST(Attend, HeadsOfEverySize) {
    for (const std::uint32_t size : {1U, 5U, 80U, 96U, 112U, 128U, 192U, 256U, 512U}) {
        for (const std::uint32_t count : {1U, 20U}) {
            LayerUnit unit = unit_of(spec_of(1, 2, size, size), KvType::F16);
            Random random(9);
            const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 90 + count);
            unit.queries = {sequence.span(0, count, 90)};
            check(unit, count, 10);
        }
    }
    LayerUnit unit = unit_of(spec_of(1, 16, 576, 512), KvType::F32);
    Random random(11);
    const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 100);
    unit.queries = {sequence.span(0, 1, 50), sequence.span(1, 4, 96)};
    check(unit, 5, 12);
}

TEST(Attend, SlidingWindow) {
    for (const std::uint32_t window : {1U, 2U, 63U, 64U, 65U, 200U, 1000U}) {
        SCOPED_TRACE(window);
        AttentionSpec spec = spec_of(2, 2, 16, 16);
        spec.sliding_window = window;
        LayerUnit unit = unit_of(spec, KvType::F32);
        Random random(13);
        const auto whole = Sequence(unit).dense(random, unit.shape, 0, 400);
        const auto split = Sequence(unit).ragged(random, unit.shape, 100).dense(random, unit.shape, 500, 50);
        unit.queries = {whole.span(0, 90, 300), whole.span(90, 2, 398), whole.span(92, 2, 0), split.span(94, 3, 547),
                        split.span(97, 30, 520)};
        check(unit, 128, 14);
    }
}

TEST(Attend, SoftCap) {
    AttentionSpec spec = spec_of(2, 2, 24, 24);
    spec.soft_cap = 2.5F;
    LayerUnit unit = unit_of(spec, KvType::F16);
    Random random(15);
    const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 300);
    unit.queries = {sequence.span(0, 2, 298), sequence.span(2, 30, 200)};
    check(unit, 32, 16);
}

TEST(Attend, QueriesThatSeeNothingAreZero) {
    LayerUnit unit = unit_of(spec_of(2, 2, 8, 8), KvType::F32);
    Random random(17);
    const auto later = Sequence(unit).dense(random, unit.shape, 100, 70);
    const auto empty = Sequence(unit);
    unit.queries = {later.span(0, 2, 98), later.span(2, 20, 90), empty.span(22, 1, 0), empty.span(23, 40, 0)};
    check(unit, 63, 18);
}

TEST(Attend, AChunkWithoutQueriesIsAllPadding) {
    LayerUnit unit = unit_of(spec_of(2, 1, 8, 8), KvType::F32);
    check(unit, 5, 19);
    unit.queries = {Sequence(unit).span(1, 1, 0)};
    check(unit, 5, 20);
}

TEST(Attend, IsPreparedAgainForOtherContents) {
    LayerUnit unit = unit_of(spec_of(1, 2, 8, 8), KvType::F32);
    Random random(21);
    const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 700);
    const std::vector<float> q = random.numbers(std::size_t{40} * 2 * 8);
    cpu::Attend attend;
    for (const std::uint32_t count : {40U, 1U, 20U}) {
        unit.queries = {sequence.span(0, count, 650)};
        attend.prepare(unit, count, 1);
        std::vector<float> out(std::size_t{count} * 2 * 8);
        std::vector<float> scratch(attend.thread_floats());
        std::vector<float> partials(attend.partial_floats());
        attend.attend(0, q.data(), out.data(), scratch.data(), partials.data());
        EXPECT_TRUE(same_bits(out, run(unit, count, q, 2)));
    }
}

TEST(Attend, AQueryRowHasTheSameBitsWhereverItLiesInItsChunk) {
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        for (const std::uint32_t window : {0U, 130U}) {
            AttentionSpec spec = spec_of(2, 3, 64, 48);
            spec.sliding_window = window;
            LayerUnit unit = unit_of(spec, KvType::F16);
            Random random(22);
            const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 500);
            const std::size_t q_size = std::size_t{6} * 64;
            const std::size_t out_size = std::size_t{6} * 48;
            const std::vector<float> q = random.numbers(100 * q_size);
            unit.queries = {sequence.span(0, 100, 400)};
            const std::vector<float> whole = run(unit, 100, q, 1);
            for (const auto & [begin, end] : {std::pair{0U, 37U}, {37U, 90U}, {90U, 100U}}) {
                unit.queries = {sequence.span(0, end - begin, 400 + begin)};
                const float * part = q.data() + begin * q_size;
                const std::vector<float> out = run(unit, end - begin, {part, part + (end - begin) * q_size}, 2);
                EXPECT_EQ(std::memcmp(out.data(), whole.data() + begin * out_size, out.size() * sizeof(float)), 0);
            }
        }
    }
}

TEST(Attend, APrefillHasTheSameBitsHoweverItIsCut) {
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        LayerUnit unit = unit_of(spec_of(1, 2, 40, 24), KvType::F16);
        unit.prefill = true;
        Random random(26);
        const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 600);
        const std::vector<float> q = random.numbers(std::size_t{600} * 2 * 40);
        unit.queries = {sequence.span(0, 600, 0)};
        const std::vector<float> whole = run(unit, 600, q, 2);
        for (std::uint32_t first = 0; first < 600;) {
            const std::uint32_t count = std::min(1 + random.below(200), 600 - first);
            unit.queries = {sequence.span(0, count, first)};
            const float * part = q.data() + std::size_t{first} * 2 * 40;
            const std::vector<float> out = run(unit, count, {part, part + std::size_t{count} * 2 * 40}, 1);
            EXPECT_EQ(std::memcmp(out.data(), whole.data() + std::size_t{first} * 2 * 24, out.size() * sizeof(float)),
                      0);
            first += count;
        }
    }
}

/// Slopes and sinks that differ from head to head.
class Extras {
public:
    explicit Extras(std::uint32_t heads) {
        for (std::uint32_t head = 0; head < heads; ++head) {
            slopes_.push_back(head % 3 == 2 ? 0.0F : std::exp2(-1.0F - static_cast<float>(head)));
            sinks_.push_back(static_cast<float>(head % 5) - 2.0F);
        }
    }
    [[nodiscard]] AttentionSpec added(AttentionSpec spec, bool slopes, bool sinks) const {
        spec.alibi_slopes = slopes ? std::span(slopes_) : std::span<const float>();
        spec.sinks = sinks ? std::span(sinks_) : std::span<const float>();
        return spec;
    }

private:
    std::vector<float> slopes_;
    std::vector<float> sinks_;
};

TEST_P(AttendTypes, EveryFieldOfTheSpecificationTogether) {
    const Extras extras(6);
    for (const bool slopes : {false, true}) {
        for (const bool sinks : {false, true}) {
            for (const float cap : {0.0F, 3.0F}) {
                SCOPED_TRACE(testing::Message() << "slopes " << slopes << ", sinks " << sinks << ", cap " << cap);
                AttentionSpec spec = extras.added(spec_of(2, 3, 48, 24), slopes, sinks);
                spec.soft_cap = cap;
                spec.sliding_window = slopes ? 200 : 0;
                LayerUnit unit = unit_of(spec, GetParam());
                Random random(27);
                const auto whole = Sequence(unit).dense(random, unit.shape, 0, 400);
                const auto split = Sequence(unit).ragged(random, unit.shape, 100).dense(random, unit.shape, 450, 60);
                const auto later = Sequence(unit).dense(random, unit.shape, 100, 20);
                unit.queries = {whole.span(0, 70, 330), split.span(70, 10, 495), later.span(80, 1, 50),
                                whole.span(81, 1, 399), split.span(82, 3, 503)};
                for (const bool prefill : {false, true}) {
                    unit.prefill = prefill;
                    check(unit, 96, 28);
                }
            }
        }
    }
}

TEST(Attend, GroupsOfEverySize) {
    for (std::uint32_t group = 1; group <= 16; ++group) {
        SCOPED_TRACE(group);
        LayerUnit unit = unit_of(spec_of(2, group, 32, 32), KvType::F16);
        unit.prefill = true;
        Random random(29);
        const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 300);
        unit.queries = {sequence.span(0, 61, 239), sequence.span(61, 1, 100)};
        check(unit, 64, 30);
    }
}

TEST_P(AttendTypes, EveryHeadSizeWithManyRows) {
    struct Sizes {
        std::uint32_t key;
        std::uint32_t value;
    };
    for (const auto & [key, value] : {Sizes{1, 1},
                                      {5, 7},
                                      {31, 33},
                                      {64, 64},
                                      {80, 80},
                                      {96, 96},
                                      {112, 112},
                                      {128, 128},
                                      {192, 128},
                                      {192, 192},
                                      {256, 256},
                                      {512, 512},
                                      {576, 512}}) {
        SCOPED_TRACE(testing::Message() << key << " and " << value);
        LayerUnit unit = unit_of(spec_of(1, 2, key, value), GetParam());
        unit.prefill = true;
        Random random(31);
        const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 330);
        unit.queries = {sequence.span(0, 29, 301), sequence.span(29, 1, 7)};
        check(unit, 32, 32);
    }
}

TEST(Attend, StopsWhenAsked) {
    const std::atomic<bool> stop{true};
    LayerUnit unit = unit_of(spec_of(1, 2, 8, 8), KvType::F32);
    unit.stop = &stop;
    Random random(23);
    const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 100);
    unit.queries = {sequence.span(0, 1, 99), sequence.span(1, 60, 40)};
    const std::vector<float> q = random.numbers(std::size_t{61} * 2 * 8);
    const std::vector<float> out = run(unit, 61, q, 2);
    EXPECT_EQ(out.back(), kUntouched);
}

/// The real containers: a packed segment, and a tail over a block border that store_rows() fills.
TEST(Attend, ReadsWhatWasStoredInASegmentAndATail) {
    LayerUnit unit = unit_of(spec_of(2, 2, 16, 8), KvType::BF16);
    kv::HostArena arena;
    Random random(24);
    kv::LayerRows dense = kv::LayerRows::dense(arena, unit.shape, 100, Position{0});
    unit.stores = {{.count = 100,
                    .keys = dense.key_row(0, 0),
                    .values = dense.value_row(0, 0),
                    .key_head_stride = static_cast<std::size_t>(dense.key_row(1, 0) - dense.key_row(0, 0)),
                    .value_head_stride = static_cast<std::size_t>(dense.value_row(1, 0) - dense.value_row(0, 0))}};
    const std::vector<float> prompt_keys = random.numbers(std::size_t{100} * 2 * 16);
    const std::vector<float> prompt_values = random.numbers(std::size_t{100} * 2 * 8);
    store_rows(unit, prompt_keys.data(), prompt_values.data(), 0, 1);
    dense.set_rows(100);
    const std::vector<std::vector<kv::HeadRows>> sources{{dense.head(0)}, {dense.head(1)}};
    const std::vector<std::vector<std::uint32_t>> kept{{0, 5, 50, 99}, {98, 99}};
    const kv::LayerRows packed = kv::LayerRows::packed(arena, unit.shape, sources, kept);

    kv::Tail tail(arena, {unit.shape}, Position{100});
    tail.append(300);
    unit.stores.clear();
    for (std::uint32_t row = 0; row < 300;) {
        const kv::Tail::Place place = tail.place(0, row);
        const std::uint32_t count = std::min(place.count, 300 - row);
        unit.stores.push_back({row, count, place.keys, place.values, place.key_head_stride, place.value_head_stride});
        row += count;
    }
    ASSERT_EQ(unit.stores.size(), 2U);
    const std::vector<float> keys = random.numbers(std::size_t{300} * 2 * 16);
    const std::vector<float> values = random.numbers(std::size_t{300} * 2 * 8);
    store_rows(unit, keys.data(), values.data(), 0, 1);
    QuerySpan span{.row = 0, .count = 50, .first = Position{350}, .rows = {{packed.head(0)}, {packed.head(1)}}};
    tail.view(0, 0, span.rows[0]);
    tail.view(0, 1, span.rows[1]);
    unit.queries = {span};
    check(unit, 50, 25);
}

}  // namespace
}  // namespace snapkv::attention
