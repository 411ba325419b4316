#pragma once

#include <cstddef>
#include <string>

namespace snapkv::eval {

/// A colour in sRGB, each part 0 to 255.
struct Rgb {
    int red = 0;
    int green = 0;
    int blue = 0;
};

/// How many colours the ramp is mixed from, evenly spaced.
inline constexpr std::size_t ramp_stops = 11;

/// From dark violet (0) over green to yellow (1): lightness rises evenly, so that order shows in grey print and to the
/// colour-blind. Colours are those of matplotlib's viridis (van der Walt and Smith, CC0) at every tenth.
[[nodiscard]] Rgb ramp_colour(double share);

/// "#rrggbb".
[[nodiscard]] std::string hex_text(const Rgb & colour);

/// Relative luminance by WCAG 2.1: 0 for black, 1 for white.
[[nodiscard]] double luminance(const Rgb & colour);

/// Whether white text is easier to read on the colour than black.
[[nodiscard]] bool wants_white_text(const Rgb & colour);

}  // namespace snapkv::eval
