#include "eval/label_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace snapkv::eval {
namespace {

using ::testing::ElementsAre;

std::vector<double> spread(const std::vector<double> & wanted, double gap, double least, double most) {
    return spread_labels(wanted, gap, least, most);
}

TEST(LabelPlaces, StayWhereTheyCan) {
    EXPECT_THAT(spread({50, 10, 90}, 10, 0, 100), ElementsAre(50, 10, 90));
    EXPECT_THAT(spread({}, 10, 0, 100), ElementsAre());
}

TEST(LabelPlaces, MakeRoomOnBothSides) {
    // Two at 50 give way by half a gap each; a third at 52 shifts the three about (50 + 50 - 10 + 52 - 20) / 3 = 40.67.
    EXPECT_THAT(spread({50, 50}, 10, 0, 100), ElementsAre(45, 55));
    const auto three = spread({50, 50, 52}, 10, 0, 100);
    EXPECT_NEAR(three[0], 122.0 / 3, 1e-12);
    EXPECT_NEAR(three[2] - three[0], 20, 1e-12);
}

TEST(LabelPlaces, KeepWithinTheEnds) {
    EXPECT_THAT(spread({0, 0}, 10, 0, 100), ElementsAre(0, 10));
    EXPECT_THAT(spread({100, 95, 100}, 10, 0, 100), ElementsAre(90, 80, 100));
    // No room for three: from the first end on.
    EXPECT_THAT(spread({5, 5, 5}, 10, 0, 15), ElementsAre(0, 10, 20));
}

TEST(LabelPlaces, NeverOverlapAndKeepTheirOrder) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> place(-20, 320);
    for (int round = 0; round < 200; ++round) {
        std::vector<double> wanted(static_cast<std::size_t>(round % 12) + 1);
        std::generate(wanted.begin(), wanted.end(), [&] { return place(random); });
        const std::vector<double> placed = spread(wanted, 16, 0, 300);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            EXPECT_GE(placed[i], -1e-9);
            EXPECT_LE(placed[i], 300 + 1e-9);
            for (std::size_t j = 0; j < wanted.size(); ++j) {
                if (wanted[i] < wanted[j]) {
                    EXPECT_GE(placed[j] - placed[i], 16 - 1e-9);
                }
            }
        }
    }
}

TEST(LabelPlaces, BesideAPointWhereNothingElseIs) {
    FreeSpace space({0, 0, 200, 100});
    const auto first = space.place_beside(50, 50, 40, 14);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->left, 58);
    EXPECT_EQ(first->top, 43);
    // The right is taken now: to the left.
    const auto second = space.place_beside(50, 50, 40, 14);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->left, 2);
    EXPECT_EQ(second->top, 43);
    EXPECT_FALSE(first->meets(*second));
    // A line above leaves what is below.
    space.take_line(0, 35, 200, 35);
    const auto third = space.place_beside(50, 50, 40, 14);
    ASSERT_TRUE(third);
    EXPECT_EQ(third->left, 30);
    EXPECT_EQ(third->top, 58);
    // Nothing is left close by.
    const auto fourth = space.place_beside(50, 50, 20, 14);
    ASSERT_TRUE(fourth);
    EXPECT_FALSE(fourth->meets(*first) || fourth->meets(*second) || fourth->meets(*third));
    EXPECT_FALSE(space.place_beside(50, 50, 300, 14));
}

}  // namespace
}  // namespace snapkv::eval
