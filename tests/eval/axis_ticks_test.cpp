// Ticks worked by hand; then what must hold of any axis, over random ranges.
#include "eval/axis_ticks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "no_numbers.h"

namespace snapkv::eval {
namespace {

using test::infinity;
using test::nan;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Axis axis_of(const std::vector<double> & values, AxisScale scale, NumberStyle numbers, AxisEnds ends = AxisEnds::Ticks,
             int most = 8) {
    return make_axis(values, {scale, numbers, ends, most});
}

TEST(AxisTicks, LinearInStepsOfOneTwoFive) {
    // 0.87 / 6 = 0.145, so steps of 0.2 up to the first beyond 0.87.
    const Axis axis = axis_of({0.87, 0, 0.5}, AxisScale::Linear, NumberStyle::Plain);
    EXPECT_THAT(axis.labels, ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
    EXPECT_THAT(axis.ticks, ElementsAre(0, 0.2, DoubleEq(0.4), 0.6, 0.8, 1));
    EXPECT_EQ(axis.high, 1);
    // 10 / 6 = 1.67, so steps of 2 that enclose both ends.
    EXPECT_THAT(axis_of({-3, 7}, AxisScale::Linear, NumberStyle::Plain).ticks, ElementsAre(-4, -2, 0, 2, 4, 6, 8));
    // Quotients that rounding leaves beside a whole number get no further tick.
    EXPECT_THAT(axis_of({0.1, 0.3}, AxisScale::Linear, NumberStyle::Plain).labels,
                ElementsAre("0.10", "0.15", "0.20", "0.25", "0.30"));
    EXPECT_THAT(axis_of({0, 250000}, AxisScale::Linear, NumberStyle::Plain).labels,
                ElementsAre("0", "50,000", "100,000", "150,000", "200,000", "250,000"));
}

TEST(AxisTicks, ValuesMayBeTheEnds) {
    const Axis axis = axis_of({1, 30}, AxisScale::Linear, NumberStyle::Whole, AxisEnds::Values);
    EXPECT_EQ(axis.low, 1);
    EXPECT_EQ(axis.high, 30);
    EXPECT_THAT(axis.labels, ElementsAre("5", "10", "15", "20", "25", "30"));
    // Layers have no halves: 3 / 6 = 0.5 becomes 1.
    EXPECT_THAT(axis_of({0, 3}, AxisScale::Linear, NumberStyle::Whole, AxisEnds::Values).labels,
                ElementsAre("0", "1", "2", "3"));
}

TEST(AxisTicks, SharesAsPercent) {
    EXPECT_THAT(axis_of({0, 1}, AxisScale::Linear, NumberStyle::Percent).labels,
                ElementsAre("0 %", "20 %", "40 %", "60 %", "80 %", "100 %"));
    EXPECT_THAT(axis_of({0, 0.01}, AxisScale::Linear, NumberStyle::Percent).labels,
                ElementsAre("0 %", "0.2 %", "0.4 %", "0.6 %", "0.8 %", "1.0 %"));
}

TEST(AxisTicks, TokensInPowersOfTwo) {
    const Axis octaves = axis_of({2048, 380000}, AxisScale::Log2, NumberStyle::Tokens, AxisEnds::Values);
    EXPECT_THAT(octaves.labels, ElementsAre("2K", "4K", "8K", "16K", "32K", "64K", "128K", "256K"));
    EXPECT_EQ(octaves.low, 2048);
    EXPECT_EQ(octaves.high, 380000);
    EXPECT_EQ(octaves.place(2048), 0);
    EXPECT_NEAR(octaves.place(32768), 4 / (std::log2(380000.0) - 11), 1e-12);
    // 380,000 / 6 = 63,333, so steps of 65,536.
    EXPECT_THAT(axis_of({0, 380000}, AxisScale::Linear, NumberStyle::Tokens).labels,
                ElementsAre("0", "64K", "128K", "192K", "256K", "320K", "384K"));
    // Eleven octaves, of which every second is written.
    EXPECT_THAT(axis_of({512, 1 << 20}, AxisScale::Log2, NumberStyle::Tokens, AxisEnds::Values).labels,
                ElementsAre("1K", "4K", "16K", "64K", "256K", "1M"));
}

TEST(AxisTicks, BytesInPowersOfTwo) {
    EXPECT_THAT(axis_of({3 << 19, 9 << 20}, AxisScale::Log2, NumberStyle::Bytes, AxisEnds::Ticks).labels,
                ElementsAre("1 MiB", "2 MiB", "4 MiB", "8 MiB", "16 MiB"));
    EXPECT_THAT(axis_of({0, 3 << 20}, AxisScale::Linear, NumberStyle::Bytes).labels,
                ElementsAre("0 B", "512 KiB", "1 MiB", "1.5 MiB", "2 MiB", "2.5 MiB", "3 MiB"));
    // Within one octave: the powers around.
    EXPECT_THAT(axis_of({5000, 6000}, AxisScale::Log2, NumberStyle::Bytes, AxisEnds::Values).labels,
                ElementsAre("4 KiB", "8 KiB"));
}

TEST(AxisTicks, DecadesWithTwosAndFivesWhereTheyAreFew) {
    EXPECT_THAT(axis_of({0.003, 0.4}, AxisScale::Log10, NumberStyle::Plain).labels,
                ElementsAre("0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"));
    EXPECT_THAT(axis_of({0.00001, 1}, AxisScale::Log10, NumberStyle::Plain).labels,
                ElementsAre("1e-5", "0.0001", "0.001", "0.01", "0.1", "1"));
    EXPECT_THAT(axis_of({1e-12, 1e3}, AxisScale::Log10, NumberStyle::Plain).labels,
                ElementsAre("1e-12", "1e-9", "1e-6", "0.001", "1", "1,000"));
}

TEST(AxisTicks, EqualValuesGetRoom) {
    EXPECT_THAT(axis_of({5, 5}, AxisScale::Linear, NumberStyle::Plain).ticks, ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_THAT(axis_of({-1}, AxisScale::Linear, NumberStyle::Plain).labels,
                ElementsAre("-1.0", "-0.8", "-0.6", "-0.4", "-0.2", "0"));
    EXPECT_EQ(axis_of({0, 0}, AxisScale::Linear, NumberStyle::Plain).high, 1);
    const Axis middle = axis_of({8}, AxisScale::Linear, NumberStyle::Plain, AxisEnds::Values);
    EXPECT_EQ(middle.place(8), 0.5);
    const Axis octave = axis_of({1024}, AxisScale::Log2, NumberStyle::Tokens, AxisEnds::Values);
    EXPECT_THAT(octave.labels, ElementsAre("512", "1K", "2K"));
    EXPECT_EQ(octave.place(1024), 0.5);
}

TEST(AxisTicks, WhatHasNoPlaceIsPassedOver) {
    EXPECT_THAT(axis_of({nan, 0, infinity, 5, -infinity}, AxisScale::Linear, NumberStyle::Plain).ticks,
                ElementsAre(0, 1, 2, 3, 4, 5));
    const Axis logarithmic = axis_of({0, -1, 10, 100}, AxisScale::Log10, NumberStyle::Plain);
    EXPECT_THAT(logarithmic.ticks, ElementsAre(10, 20, 50, 100));
    EXPECT_FALSE(logarithmic.has_place(0));
    EXPECT_FALSE(logarithmic.has_place(-1));
    EXPECT_FALSE(logarithmic.has_place(nan));
    for (const AxisScale scale : {AxisScale::Linear, AxisScale::Log2, AxisScale::Log10}) {
        const Axis none = axis_of({nan, infinity}, scale, NumberStyle::Plain);
        EXPECT_THAT(none.ticks, IsEmpty());
        EXPECT_GT(none.high, none.low);
    }
}

void expect_sound(const Axis & axis, const std::vector<double> & values, std::size_t most) {
    EXPECT_LE(axis.ticks.size(), most);
    EXPECT_EQ(axis.labels.size(), axis.ticks.size());
    EXPECT_EQ(std::set<std::string>(axis.labels.begin(), axis.labels.end()).size(), axis.labels.size());
    EXPECT_LT(axis.low, axis.high);
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
        EXPECT_TRUE(i == 0 || axis.ticks[i - 1] < axis.ticks[i]);
        EXPECT_GE(axis.ticks[i], axis.low);
        EXPECT_LE(axis.ticks[i], axis.high);
    }
    for (const double value : values) {
        if (axis.has_place(value)) {
            EXPECT_GE(value, axis.low - 1e-100);  // what is smaller counts as 0
            EXPECT_LE(value, axis.high + 1e-100);
        }
    }
}

TEST(AxisTicks, AnyRangeHasASoundAxis) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> exponent(-110, 110);
    std::uniform_real_distribution<double> near(0.5, 1.5);
    for (int round = 0; round < 3000; ++round) {
        const double size = std::pow(10, exponent(random) * (round % 3 == 0 ? 1 : 0.05));
        const std::vector<double> values{size * near(random), round % 2 == 0 ? -size : size * near(random)};
        for (const AxisScale scale : {AxisScale::Linear, AxisScale::Log2, AxisScale::Log10}) {
            for (const NumberStyle style : {NumberStyle::Plain, NumberStyle::Percent}) {
                for (const AxisEnds ends : {AxisEnds::Values, AxisEnds::Ticks}) {
                    for (const int most : {4, 8}) {
                        SCOPED_TRACE(testing::Message() << values[0] << " " << values[1] << " scale "
                                                        << static_cast<int>(scale) << " most " << most);
                        expect_sound(axis_of(values, scale, style, ends, most), values, static_cast<std::size_t>(most));
                        if (HasFailure()) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace snapkv::eval
