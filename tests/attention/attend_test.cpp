#include "attention/cpu/attend.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "attention/attend_check.h"
#include "attention/store.h"
#include "kv/tail.h"
#include "support/positions.h"

namespace snapkv::attention {
namespace {

class AttendTypes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, AttendTypes, testing::Values(KvType::F32, KvType::F16, KvType::BF16), test::type_name);

TEST_P(AttendTypes, FewAndManyRowsOnBothSidesOfTheBorder) {
    struct Case {
        std::uint32_t group;
        std::uint32_t count;
    };
    for (const auto & [group, count] : {Case{1, 1},
                                        {1, 15},
                                        {1, 16},
                                        {1, 17},
                                        {3, 5},
                                        {3, 33},
                                        {3, 34},
                                        {8, 1},
                                        {8, 9},
                                        {8, 33},
                                        {16, 1},
                                        {17, 4},
                                        {1, 130}}) {
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
                                          .ragged(random, unit.shape, 70)
                                          .dense(random, unit.shape, 500, 130)
                                          .dense(random, unit.shape, 630, count);
                unit.queries = {sequence.span(0, count, 630)};
                for (const bool rotated : {true, false}) {
                    unit.shape.rotated = rotated;
                    check(unit, count, 27);
                }
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
            for (const auto & [begin, end] : {std::pair{0U, 37U}, {37U, 76U}, {66U, 100U}}) {
                unit.queries = {sequence.span(0, end - begin, 400 + begin)};
                const float * part = q.data() + begin * q_size;
                const std::vector<float> out = run(unit, end - begin, {part, part + (end - begin) * q_size}, 2);
                EXPECT_EQ(std::memcmp(out.data(), whole.data() + begin * out_size, out.size() * sizeof(float)), 0);
            }
        }
    }
}

/// Rows of one sequence, the last of which see each other.
class AttendFew : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, AttendFew,
                         testing::Values(KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0),
                         test::type_name);

TEST_P(AttendFew, EachOfSeveralRowsHasTheBitsThatItHasAlone) {
    struct Case {
        std::uint32_t group;
        std::uint32_t key_size;
        std::uint32_t window;
        std::uint32_t count;
    };
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        for (const auto & [group, key_size, window, count] :
             {Case{3, 64, 0, 2}, {3, 64, 130, 8}, {7, 160, 300, 12}, {4, 128, 0, 33}, {1, 32, 0, 33}}) {
            SCOPED_TRACE(testing::Message() << "group " << group << ", rows " << count);
            if (count > cpu::few_tokens()) {
                continue;
            }
            AttentionSpec spec = spec_of(2, group, key_size, 64);
            spec.sliding_window = window;
            const std::vector<float> sinks(spec.heads, 0.5F);
            const std::vector<float> slopes(spec.heads, 0.01F);
            spec.sinks = sinks;
            spec.alibi_slopes = slopes;
            LayerUnit unit = unit_of(spec, GetParam());
            Random random(23);
            const std::uint32_t before = 700;
            // A frozen segment, then a tail that ends with the rows themselves.
            const auto sequence = Sequence(unit)
                                      .dense(random, unit.shape, 0, before - 5)
                                      .dense(random, unit.shape, before - 5, count + 5);
            const std::size_t q_size = std::size_t{spec.heads} * key_size;
            const std::size_t out_size = std::size_t{spec.heads} * 64;
            const std::vector<float> q = random.numbers(count * q_size);
            unit.queries = {sequence.span(0, count, before)};
            const std::vector<float> together = run(unit, count, q, 2);
            for (std::uint32_t row = 0; row < count; ++row) {
                unit.queries = {sequence.span(0, 1, before + row)};
                const float * own = q.data() + row * q_size;
                const std::vector<float> alone = run(unit, 1, {own, own + q_size}, 1);
                EXPECT_EQ(std::memcmp(alone.data(), together.data() + row * out_size, out_size * sizeof(float)), 0)
                    << "row " << row;
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
    Halt halt{Stop(&stop)};
    LayerUnit unit = unit_of(spec_of(1, 2, 8, 8), KvType::F32);
    unit.halt = &halt;
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
    kv::Arena arena;
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
    const std::vector<std::vector<Position>> kept{snapkv::test::positions({0, 5, 50, 99}),
                                                  snapkv::test::positions({98, 99})};
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
