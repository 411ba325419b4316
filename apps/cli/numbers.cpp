#include "numbers.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "fail.h"

namespace snapkv::cli {
namespace {

template <typename Number>
std::optional<Number> parse(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least, std::int64_t most) {
    const auto number = parse<std::int64_t>(text);
    if (!number || *number < least || *number > most) {
        if (most == std::numeric_limits<std::int64_t>::max()) {
            usage_error("{}: found \"{}\", expected a whole number of at least {}", option, text, least);
        }
        usage_error("{}: found \"{}\", expected a whole number from {} to {}", option, text, least, most);
    }
    return *number;
}

std::uint32_t read_count(std::string_view option, std::string_view text, std::uint32_t least) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::uint32_t>(read_integer(option, text, least, most));
}

std::uint32_t read_kernel(std::string_view option, std::string_view text) {
    const std::uint32_t width = read_count(option, text, 1);
    if (width % 2 == 0) {
        usage_error("{}: found {}, expected an odd number", option, text);
    }
    return width;
}

float read_decimal(std::string_view option, std::string_view text, double least, double most) {
    const auto number = parse<double>(text);
    if (!number || !std::isfinite(*number) || *number < least || *number > most) {
        if (most == std::numeric_limits<float>::max()) {
            usage_error("{}: found \"{}\", expected a number of at least {}", option, text, least);
        }
        usage_error("{}: found \"{}\", expected a number from {} to {}", option, text, least, most);
    }
    return static_cast<float>(*number);
}

Budget read_budget(std::string_view option, std::string_view text) {
    constexpr std::string_view mass = "mass:";
    const bool of_mass = text.starts_with(mass);
    const std::string_view number = of_mass ? text.substr(mass.size()) : text;
    const std::size_t percent_sign = number.find('%');
    if (!of_mass && percent_sign == std::string_view::npos) {
        return {Budget::Unit::Rows, static_cast<double>(read_count(option, text, 1))};
    }
    const std::string_view rest = percent_sign == std::string_view::npos ? number : number.substr(percent_sign + 1);
    const auto percent = parse<double>(number.substr(0, percent_sign));
    const bool whole = rest.empty() || (of_mass && rest.starts_with(':'));
    if (!percent || !(*percent > 0) || *percent > 100 || !whole) {
        usage_error("{}: found \"{}\", expected {} above 0% and up to 100%{}", option, text,
                    of_mass ? "mass:P%" : "a percentage", of_mass ? ", or mass:P%:N for N rows at most" : "");
    }
    Budget budget{of_mass ? Budget::Unit::Mass : Budget::Unit::Percent, *percent};
    if (!rest.empty()) {
        budget.most = read_count(option, rest.substr(1), Budget::kLeast);
    }
    return budget;
}

std::optional<std::uint32_t> read_tail_budget(std::string_view option, std::string_view text) {
    return text == "none" ? std::nullopt : std::optional(read_count(option, text, 1));
}

std::string tail_budget_text(const std::optional<std::uint32_t> & rows) {
    return rows ? fmt::format("{}", *rows) : "none";
}

}  // namespace snapkv::cli
