#include "eval/number_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace snapkv::eval {
namespace {

/// A comma before each three digits of the whole part.
std::string with_commas(std::string text) {
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    const std::size_t point = std::min(text.find('.'), text.size());
    for (std::size_t at = point; at > sign + 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string without_trailing_zeros(std::string text) {
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) {
            text.pop_back();
        }
    }
    return text == "-0" ? "0" : text;
}

/// "1.5e-7": at most `decimals` digits after the point.
std::string exponent_text(double value, int decimals) {
    const std::string text = fmt::format("{:.{}e}", value, std::clamp(decimals, 0, 15));
    const std::size_t e = text.find('e');
    return fmt::format("{}e{}", without_trailing_zeros(text.substr(0, e)), std::stoi(text.substr(e + 1)));
}

std::string plain_text(double value, double step) {
    const double size = std::abs(value);
    if (size < step * 1e-6) {
        return "0";
    }
    if (size >= 1e7 || step < 0.99e-4) {
        return exponent_text(value, static_cast<int>(std::ceil(std::log10(size / step) - 1e-9)));
    }
    const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
    const std::string text = with_commas(fmt::format("{:.{}f}", value, decimals));
    const bool rounded_away = text.find_first_not_of("-0.") == std::string::npos;
    return text.substr(rounded_away && text.starts_with('-') ? 1 : 0);
}

std::string token_text(double value) {
    for (const auto & [unit, letter] : {std::pair{1048576.0, 'M'}, std::pair{1024.0, 'K'}}) {
        if (value != 0 && std::fmod(value, unit) == 0 && std::abs(value) < 1e7 * unit) {
            return with_commas(fmt::format("{:.0f}", value / unit)) + letter;
        }
    }
    return plain_text(value, 1);
}

/// With four digits, and more where steps of `step` need them.
std::string byte_text(double value, double step) {
    const double digits = value == 0 ? 0 : std::ceil(std::log10(std::abs(value) / step)) + 1;
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    while (std::abs(value) >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{} {}", short_number(value, std::clamp(static_cast<int>(digits), 4, 15)), units[unit]);
}

}  // namespace

std::string short_number(double value, int digits) {
    assert(std::isfinite(value));
    const double size = std::abs(value);
    if (size == 0) {
        return "0";
    }
    if (size >= 1e7 || size < 0.99e-4) {
        return exponent_text(value, digits - 1);
    }
    const int whole_digits = static_cast<int>(std::floor(std::log10(size))) + 1;
    return without_trailing_zeros(with_commas(fmt::format("{:.{}f}", value, std::max(0, digits - whole_digits))));
}

std::string number_text(double value, double step, NumberStyle style) {
    assert(std::isfinite(value) && step > 0);
    switch (style) {
        case NumberStyle::Percent:
            return plain_text(value * 100, step * 100) + " %";
        case NumberStyle::Tokens:
            return token_text(value);
        case NumberStyle::Bytes:
            return byte_text(value, step);
        case NumberStyle::Plain:
        case NumberStyle::Whole:
            break;
    }
    return plain_text(value, step);
}

std::string value_text(double value, NumberStyle style) {
    switch (style) {
        case NumberStyle::Percent:
            return short_number(value * 100, 3) + " %";
        case NumberStyle::Bytes:
            return byte_text(value, std::abs(value));
        case NumberStyle::Whole:
        case NumberStyle::Tokens:
            return short_number(value, 6);
        case NumberStyle::Plain:
            break;
    }
    return short_number(value, 4);
}

}  // namespace snapkv::eval
