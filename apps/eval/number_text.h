#pragma once

#include <string>

namespace snapkv::eval {

/// What an axis counts, and so where its round numbers lie and how they are written.
enum class NumberStyle {
    Plain,    ///< steps of 1, 2 or 5 times a power of ten: "0.25", "1,000", "1e-5"
    Whole,    ///< the same without fractions
    Percent,  ///< shares of 1: "20 %"
    Tokens,   ///< powers of two: "512", "4K", "128K"
    Bytes,    ///< powers of two: "512 KiB", "1.5 MiB"
};

/// A finite number as an axis writes it, with the digits that steps of `step` (above 0) need; never by locale.
[[nodiscard]] std::string number_text(double value, double step, NumberStyle style);

/// A finite number on its own: `digits` significant digits, without zeros at the end; whole parts are given in full.
[[nodiscard]] std::string short_number(double value, int digits);

/// A finite number in the style's unit but with its own digits: what a point or a cell says of itself.
[[nodiscard]] std::string value_text(double value, NumberStyle style);

}  // namespace snapkv::eval
