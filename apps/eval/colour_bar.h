#pragma once

#include <string_view>

#include "eval/axis_ticks.h"
#include "eval/svg_page.h"

namespace snapkv::eval {

/// Pixels that a colour bar takes with its numbers and its title.
[[nodiscard]] double colour_bar_width(const Axis & axis, std::string_view title);

/// The ramp upright from `top` on, its numbers to the right, its title turned beside them; with `missing`, a hatched
/// box below that says "no value". Returns where what follows may begin.
double add_colour_bar(SvgPage & page, double left, double top, double height, const Axis & axis, std::string_view title,
                      bool missing);

/// The pattern for cells without a value.
void add_hatch(SvgPage & page);

/// A box filled with that pattern.
void add_hatched_box(SvgPage & page, double x, double y, double width, double height, std::string_view inner);

}  // namespace snapkv::eval
