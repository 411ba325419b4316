#include "select/evicted.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/positions.h"

namespace snapkv::select {
namespace {

using Slots = std::vector<std::uint32_t>;

TEST(Evicted, ScissorHandsDropsHalfTheOthersWhatIsTooMuch) {
    EXPECT_EQ(rows_left({.evidence = Evidence::Mean}, 10, 10), 10U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Mean}, 10, 11), 10U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Mean}, 10, 30), 10U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Pivotal}, 10, 10), 10U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Pivotal}, 10, 11), 6U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Pivotal}, 11, 12), 7U);
    EXPECT_EQ(rows_left({.evidence = Evidence::Pivotal}, 10, 200), 6U);
}

TEST(Evicted, WithoutAVoteTheEarliestBehindTheSinksGo) {
    const auto positions = test::positions({7, 0, 9, 2, 1, 8});
    EXPECT_EQ(evicted_slots({.sink = 2}, positions, {}, 2), (Slots{0, 3}));
    EXPECT_EQ(evicted_slots({.recent = 4, .sink = 2}, positions, {}, 3), (Slots{0, 3, 5}));
}

TEST(Evicted, TheLowestGoTheLaterOfEqualOnes) {
    const auto positions = test::positions({7, 0, 9, 2, 1, 8});
    const EvictionRule rule{.evidence = Evidence::Accumulated};
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 1, 2, 1, 4, 1}}, 1), (Slots{5}));
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 1, 2, 1, 4, 1}}, 2), (Slots{3, 5}));
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 1, 2, 1, 4, 1}, {0, 5, 0, 6, 0, 7}}, 1), (Slots{1}));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 1, 2, 1, nan, 1}}, 1), (Slots{4}));
}

TEST(Evicted, SinksAndTheLastRowsStay) {
    const auto positions = test::positions({7, 0, 9, 2, 1, 8});
    const EvictionRule rule{.evidence = Evidence::Mean, .recent = 2, .sink = 1};
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 0, 0, 5, 4, 0}}, 1), (Slots{0}));
    EXPECT_EQ(evicted_slots(rule, positions, {{3, 0, 0, 5, 4, 0}}, 6), (Slots{0, 3, 4}));
    EXPECT_EQ(evicted_slots({.evidence = Evidence::Mean, .recent = 9}, positions, {{3, 0, 0, 5, 4, 0}}, 6), Slots{});
}

}  // namespace
}  // namespace snapkv::select
