#include "eval/colour_ramp.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace snapkv::eval {
namespace {

TEST(ColourRamp, EndsAndMiddleAreViridis) {
    EXPECT_EQ(hex_text(ramp_colour(0)), "#440154");
    EXPECT_EQ(hex_text(ramp_colour(0.5)), "#21918c");
    EXPECT_EQ(hex_text(ramp_colour(1)), "#fde725");
    EXPECT_EQ(hex_text(ramp_colour(-3)), "#440154");
    EXPECT_EQ(hex_text(ramp_colour(7)), "#fde725");
    // Halfway between #440154 and #482475.
    EXPECT_EQ(hex_text(ramp_colour(0.05)), "#461365");
}

TEST(ColourRamp, LightnessRises) {
    for (int i = 1; i <= 100; ++i) {
        EXPECT_GT(luminance(ramp_colour(i / 100.0)), luminance(ramp_colour((i - 1) / 100.0))) << i;
    }
}

// WCAG 2.1 asks for a contrast of 4.5 for small text.
TEST(ColourRamp, TextOnAnyColourIsReadable) {
    EXPECT_NEAR(luminance({255, 255, 255}), 1, 1e-12);
    EXPECT_EQ(luminance({0, 0, 0}), 0);
    EXPECT_NEAR(luminance({255, 0, 0}), 0.2126, 1e-12);
    for (int i = 0; i <= 100; ++i) {
        const Rgb colour = ramp_colour(i / 100.0);
        const double text = wants_white_text(colour) ? 1 : 0;
        const double lighter = std::max(text, luminance(colour)) + 0.05;
        const double darker = std::min(text, luminance(colour)) + 0.05;
        EXPECT_GE(lighter / darker, 4.5) << i;
    }
}

}  // namespace
}  // namespace snapkv::eval
