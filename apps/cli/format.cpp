#include "format.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace snapkv::cli {

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // 1023.95 would be printed as 1024.0
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string count_text(std::uint64_t count) {
    return count < 1000 ? fmt::format("{}", count) : fmt::format("{},{:03}", count_text(count / 1000), count % 1000);
}

std::string count_text(std::uint64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count_text(count), thing, count == 1 ? "" : "s");
}

std::string seconds_text(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) {
        return "unknown time";
    }
    if (seconds < 9.95) {
        return fmt::format("{:.1f} s", seconds);
    }
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    if (whole < 60) {
        return fmt::format("{} s", whole);
    }
    if (whole < 3600) {
        return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    }
    return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string rate_text(double tokens_per_second) {
    return tokens_per_second < 100 ? fmt::format("{:.1f} tok/s", tokens_per_second)
                                   : fmt::format("{} tok/s", count_text(static_cast<std::uint64_t>(tokens_per_second)));
}

double per_second(std::uint64_t count, double milliseconds) {
    return milliseconds > 0 ? static_cast<double>(count) * 1000 / milliseconds : 0;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t margin) {
    std::string lines;
    std::size_t length = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (length > 0 && length + 1 + word.size() > width) {
            lines += fmt::format("\n{:{}}", "", margin);
            length = 0;
        }
        if (length > 0) {
            lines += ' ';
            ++length;
        }
        lines += word;
        length += word.size();
    }
    return lines;
}

}  // namespace snapkv::cli
