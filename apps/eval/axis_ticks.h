#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/number_text.h"

namespace snapkv::eval {

enum class AxisScale { Linear, Log2, Log10 };

/// Where an axis begins and ends: at the outermost values, or at the round numbers that enclose them.
enum class AxisEnds { Values, Ticks };

struct AxisRequest {
    AxisScale scale = AxisScale::Linear;
    NumberStyle numbers = NumberStyle::Plain;
    AxisEnds ends = AxisEnds::Ticks;
    int most_ticks = 8;  ///< at least 3
};

/// A stretch of numbers with round ones marked.
struct Axis {
    AxisScale scale = AxisScale::Linear;
    double low = 0;
    double high = 1;                  ///< above `low`; on a logarithmic axis both are above 0
    std::vector<double> ticks;        ///< ascending, within low..high; none where no value could be shown
    std::vector<std::string> labels;  ///< of the ticks

    /// Whether the value has a place: finite (at most 1e100 either way), and on a logarithmic axis at least 1e-100.
    [[nodiscard]] bool has_place(double value) const;
    /// 0 at `low`, 1 at `high`; values beyond an end lie at that end. The value must have a place.
    [[nodiscard]] double place(double value) const;
};

/// The axis for these values; those without a place are passed over.
[[nodiscard]] Axis make_axis(std::span<const double> values, const AxisRequest & request);

}  // namespace snapkv::eval
