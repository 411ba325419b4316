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
    if (text.ends_with('%')) {
        const auto percent = parse<double>(text.substr(0, text.size() - 1));
        if (!percent || !(*percent > 0) || *percent > 100) {
            usage_error("{}: found \"{}\", expected a percentage above 0% and up to 100%", option, text);
        }
        return {Budget::Unit::Percent, *percent};
    }
    return {Budget::Unit::Rows, static_cast<double>(read_count(option, text, 1))};
}

std::string budget_text(const Budget & budget) {
    return fmt::format("{:.10g}{}", budget.value, budget.unit == Budget::Unit::Percent ? "%" : "");
}

std::optional<std::uint32_t> read_tail_budget(std::string_view option, std::string_view text) {
    return text == "none" ? std::nullopt : std::optional(read_count(option, text, 1));
}

std::string tail_budget_text(const std::optional<std::uint32_t> & rows) {
    return rows ? fmt::format("{}", *rows) : "none";
}

}  // namespace snapkv::cli
