#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "eval/svg_page.h"

namespace snapkv::eval {

/// A colour on a light page, and its counterpart on a dark screen.
struct ColourPair {
    std::string_view light;
    std::string_view dark;
};

/// Colours that the colour-blind tell apart, after Okabe and Ito, darkened for thin lines on white.
inline constexpr std::array<ColourPair, 8> palette{{{"#0072b2", "#56b4e9"},
                                                    {"#d55e00", "#ff8c42"},
                                                    {"#009e73", "#2dd4a7"},
                                                    {"#9b3f86", "#e08fcf"},
                                                    {"#7a5c00", "#f0c645"},
                                                    {"#444444", "#bbbbbb"},
                                                    {"#b3001b", "#ff6b7d"},
                                                    {"#3f51b5", "#9fa8ff"}}};

/// The looks of the first `count` series. Colours, dashes and markers go round in cycles of 8, 7 and 5, so that the
/// first 35 differ in grey print too.
void add_series_rules(SvgPage & page, std::size_t count);

/// Attributes of a line of that series.
[[nodiscard]] std::string line_look(const SvgPage & page, std::size_t series);

/// Attributes of a thin line, for a spread or from a label to what it names.
[[nodiscard]] std::string thin_look(const SvgPage & page, std::size_t series);

/// The marker of that series at a place, with `inner` markup (a hint) inside.
[[nodiscard]] std::string marker(const SvgPage & page, std::size_t series, double x, double y,
                                 std::string_view inner = {});

}  // namespace snapkv::eval
