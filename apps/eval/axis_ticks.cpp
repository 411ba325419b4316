#include "eval/axis_ticks.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace snapkv::eval {
namespace {

constexpr double largest = 1e100;  // keeps differences and powers of ten far from infinity
constexpr double smallest = 1e-100;
constexpr double slack = 1e-9;  // of a step: what rounding may add to a quotient

struct TickRange {
    double low = 0;
    double high = 0;
};

/// `mantissa` times `base` to the power; ten to a negative power divides, so that 3 tenths are the double 0.3.
double scaled(double mantissa, int base, int power) {
    if (base == 2) {
        return std::ldexp(mantissa, power);
    }
    return power < 0 ? mantissa / std::pow(10, -power) : mantissa * std::pow(10, power);
}

bool in_powers_of_two(NumberStyle style) {
    return style == NumberStyle::Tokens || style == NumberStyle::Bytes;
}

/// A round step: mantissa * base^power.
struct Step {
    double mantissa = 1;
    int base = 10;
    int power = 0;

    [[nodiscard]] double times(double index) const { return scaled(index * mantissa, base, power); }
    [[nodiscard]] double value() const { return times(1); }
};

/// The smallest round step that is at least `raw`.
Step step_of(double raw, NumberStyle style) {
    const bool whole = style != NumberStyle::Plain && style != NumberStyle::Percent;
    if (whole) {
        raw = std::max(raw, 1.0);
    }
    if (in_powers_of_two(style)) {
        return {1, 2, static_cast<int>(std::ceil(std::log2(raw) - slack))};
    }
    const int power = static_cast<int>(std::floor(std::log10(raw)));
    for (const double mantissa : {1.0, 2.0, 5.0}) {
        if (scaled(mantissa, 10, power) >= raw * (1 - slack)) {
            return {mantissa, 10, power};
        }
    }
    return {1, 10, power + 1};
}

/// Equal values, and those that differ by no more than rounding, get room around them.
TickRange widened(TickRange range, AxisEnds ends) {
    const double size = std::max(std::abs(range.low), std::abs(range.high));
    if (range.high - range.low > 1e-12 * size && range.high - range.low >= smallest) {
        return range;
    }
    if (size < smallest) {
        return ends == AxisEnds::Values ? TickRange{-1, 1} : TickRange{0, 1};
    }
    if (ends == AxisEnds::Values) {
        return {range.low - size / 2, range.high + size / 2};
    }
    return range.high > 0 ? TickRange{0, range.high} : TickRange{range.low, 0};
}

void mark_linear(Axis & axis, const AxisRequest & request) {
    const bool at_ticks = request.ends == AxisEnds::Ticks;
    // Both ends may lie within a step, so that one fewer than the ticks must do.
    const Step step = step_of((axis.high - axis.low) / std::max(1, request.most_ticks - 2), request.numbers);
    const double first = axis.low / step.value();
    const double last = axis.high / step.value();
    const double begin = at_ticks ? std::floor(first + slack) : std::ceil(first - slack);
    const double end = at_ticks ? std::ceil(last - slack) : std::floor(last + slack);
    for (double index = begin; index <= end; ++index) {
        axis.ticks.push_back(step.times(index) + 0.0);
        axis.labels.push_back(number_text(axis.ticks.back(), step.value(), request.numbers));
    }
    if (at_ticks) {
        axis.low = std::min(axis.low, axis.ticks.front());
        axis.high = std::max(axis.high, axis.ticks.back());
    }
}

/// 1, 2 and 5 in every decade that the axis touches, and one decade more on either side.
std::vector<double> within_decades(const Axis & axis) {
    std::vector<double> ticks;
    const int end = static_cast<int>(std::ceil(std::log10(axis.high))) + 1;
    for (int power = static_cast<int>(std::floor(std::log10(axis.low))) - 1; power <= end; ++power) {
        for (const double mantissa : {1.0, 2.0, 5.0}) {
            ticks.push_back(scaled(mantissa, 10, power));
        }
    }
    return ticks;
}

/// Every `stride`-th power of the base, from at most `axis.low` to at least `axis.high`, and one more on either side.
std::vector<double> powers(const Axis & axis, int base, int stride) {
    const double unit = std::log2(base) * stride;
    const int end = static_cast<int>(std::ceil(std::log2(axis.high) / unit)) + 1;
    std::vector<double> ticks;
    for (int index = static_cast<int>(std::floor(std::log2(axis.low) / unit)) - 1; index <= end; ++index) {
        ticks.push_back(scaled(1, base, index * stride));
    }
    return ticks;
}

/// Of ascending candidates those within the axis; and the next on either side where they are the ends of the axis or
/// fewer than two lie within.
std::vector<double> chosen(const std::vector<double> & candidates, const Axis & axis, AxisEnds ends) {
    auto begin = std::lower_bound(candidates.begin(), candidates.end(), axis.low * (1 - slack));
    auto end = std::upper_bound(candidates.begin(), candidates.end(), axis.high * (1 + slack));
    if (ends == AxisEnds::Ticks || end - begin < 2) {
        const bool one_value = axis.high <= axis.low * (1 + slack);
        if (begin != candidates.begin() && (one_value || *begin > axis.low * (1 + slack))) {
            --begin;
        }
        if (end != candidates.end() && (one_value || *(end - 1) < axis.high * (1 - slack))) {
            ++end;
        }
    }
    return {begin, end};
}

void mark_logarithmic(Axis & axis, const AxisRequest & request) {
    const int base = axis.scale == AxisScale::Log2 ? 2 : 10;
    if (base == 10) {
        axis.ticks = chosen(within_decades(axis), axis, request.ends);
    }
    const auto most = static_cast<std::size_t>(std::max(3, request.most_ticks));
    for (int stride = 1; axis.ticks.empty() || axis.ticks.size() > most; ++stride) {
        axis.ticks = chosen(powers(axis, base, stride), axis, request.ends);
    }
    for (const double tick : axis.ticks) {
        axis.labels.push_back(number_text(tick, tick, request.numbers));
    }
    axis.low = std::min(axis.low, axis.ticks.front());
    axis.high = std::max(axis.high, axis.ticks.back());
}

}  // namespace

bool Axis::has_place(double value) const {
    return std::isfinite(value) && std::abs(value) <= largest && (scale == AxisScale::Linear || value >= smallest);
}

double Axis::place(double value) const {
    assert(has_place(value) && high > low);
    const double share =
        scale == AxisScale::Linear ? (value - low) / (high - low) : std::log2(value / low) / std::log2(high / low);
    return std::clamp(share, 0.0, 1.0);
}

Axis make_axis(std::span<const double> values, const AxisRequest & request) {
    Axis axis;
    axis.scale = request.scale;
    TickRange range{largest, -largest};
    for (const double value : values) {
        if (axis.has_place(value)) {
            range = {std::min(range.low, value), std::max(range.high, value)};
        }
    }
    if (range.low > range.high) {
        axis.low = axis.scale == AxisScale::Linear ? 0 : 1;
        axis.high = axis.low + 1;
        return axis;
    }
    if (axis.scale == AxisScale::Linear) {
        range = widened(range, request.ends);
    }
    axis.low = range.low;
    axis.high = range.high;
    if (axis.scale == AxisScale::Linear) {
        mark_linear(axis, request);
    } else {
        mark_logarithmic(axis, request);
    }
    return axis;
}

}  // namespace snapkv::eval
