#include "eval/colour_ramp.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace snapkv::eval {
namespace {

constexpr std::array<Rgb, ramp_stops> stops{{{0x44, 0x01, 0x54},
                                             {0x48, 0x24, 0x75},
                                             {0x41, 0x44, 0x87},
                                             {0x35, 0x5F, 0x8D},
                                             {0x2A, 0x78, 0x8E},
                                             {0x21, 0x91, 0x8C},
                                             {0x22, 0xA8, 0x84},
                                             {0x44, 0xBF, 0x70},
                                             {0x7A, 0xD1, 0x51},
                                             {0xBD, 0xDF, 0x26},
                                             {0xFD, 0xE7, 0x25}}};

int mixed(int from, int to, double share) {
    return static_cast<int>(std::lround(from + (to - from) * share));
}

/// A part of an sRGB colour as light, 0 to 1.
double linear(int part) {
    const double value = part / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

}  // namespace

Rgb ramp_colour(double share) {
    const double at = std::clamp(share, 0.0, 1.0) * (ramp_stops - 1);
    const auto index = std::min(static_cast<std::size_t>(at), ramp_stops - 2);
    const double rest = at - static_cast<double>(index);
    const Rgb & from = stops[index];
    const Rgb & to = stops[index + 1];
    return {mixed(from.red, to.red, rest), mixed(from.green, to.green, rest), mixed(from.blue, to.blue, rest)};
}

std::string hex_text(const Rgb & colour) {
    return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

double luminance(const Rgb & colour) {
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}

bool wants_white_text(const Rgb & colour) {
    const double light = luminance(colour);
    const double against_white = 1.05 / (light + 0.05);
    const double against_black = (light + 0.05) / 0.05;
    return against_white > against_black;
}

}  // namespace snapkv::eval
