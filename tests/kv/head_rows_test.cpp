#include "kv/head_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace snapkv::kv {
namespace {

constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();

HeadRows consecutive(std::uint32_t first, std::uint32_t rows) {
    HeadRows view;
    view.rows = rows;
    view.first = Position{first};
    return view;
}

TEST(HeadRows, CountsConsecutiveRowsUpToAPosition) {
    const HeadRows view = consecutive(10, 5);
    EXPECT_EQ(view.position(0), Position{10});
    EXPECT_EQ(view.position(4), Position{14});
    EXPECT_EQ(view.count_up_to(Position{0}), 0U);
    EXPECT_EQ(view.count_up_to(Position{9}), 0U);
    EXPECT_EQ(view.count_up_to(Position{10}), 1U);
    EXPECT_EQ(view.count_up_to(Position{13}), 4U);
    EXPECT_EQ(view.count_up_to(Position{14}), 5U);
    EXPECT_EQ(view.count_up_to(Position{15}), 5U);
    EXPECT_EQ(view.count_up_to(Position{kLast}), 5U);
}

TEST(HeadRows, CountsFromPositionZeroToTheVeryLast) {
    EXPECT_EQ(consecutive(0, 3).count_up_to(Position{0}), 1U);
    EXPECT_EQ(consecutive(0, 3).count_up_to(Position{kLast}), 3U);
    EXPECT_EQ(consecutive(kLast, 1).count_up_to(Position{kLast - 1}), 0U);
    EXPECT_EQ(consecutive(kLast, 1).count_up_to(Position{kLast}), 1U);
}

TEST(HeadRows, CountsScatteredRowsUpToAPosition) {
    const std::array<Position, 4> positions{Position{0}, Position{3}, Position{4}, Position{900}};
    HeadRows view;
    view.rows = 4;
    view.positions = positions.data();
    EXPECT_EQ(view.position(3), Position{900});
    EXPECT_EQ(view.count_up_to(Position{0}), 1U);
    EXPECT_EQ(view.count_up_to(Position{2}), 1U);
    EXPECT_EQ(view.count_up_to(Position{3}), 2U);
    EXPECT_EQ(view.count_up_to(Position{4}), 3U);
    EXPECT_EQ(view.count_up_to(Position{899}), 3U);
    EXPECT_EQ(view.count_up_to(Position{900}), 4U);
    EXPECT_EQ(view.count_up_to(Position{kLast}), 4U);
}

TEST(HeadRows, OfNothingCountsNothing) {
    const std::array<Position, 1> positions{Position{5}};
    EXPECT_EQ(consecutive(5, 0).count_up_to(Position{5}), 0U);
    EXPECT_EQ(consecutive(5, 0).count_up_to(Position{kLast}), 0U);
    HeadRows view;
    view.positions = positions.data();
    EXPECT_EQ(view.count_up_to(Position{kLast}), 0U);
}

}  // namespace
}  // namespace snapkv::kv
