#include "progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "format.h"

namespace snapkv::cli {
namespace {

constexpr auto interval = std::chrono::milliseconds(100);
constexpr std::string_view erase = "\r\x1b[K";

}  // namespace

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
    if (drawn_) {
        std::fwrite(erase.data(), 1, erase.size(), stderr);
    }
}

bool ProgressLine::due() const {
    return terminal_ && (!drawn_ || std::chrono::steady_clock::now() - last_ >= interval);
}

void ProgressLine::draw(const std::string & line) {
    const std::string text = std::string(erase) + line;
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
    drawn_ = true;
    last_ = std::chrono::steady_clock::now();
}

std::string progress_bar(double share) {
    constexpr std::size_t width = 20;
    const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
    return fmt::format("[{:<{}}]", std::string(filled, '#'), width);
}

std::string prefill_line(const PrefillProgress & progress) {
    const double share = progress.units_total > 0
                             ? static_cast<double>(progress.units_done) / static_cast<double>(progress.units_total)
                             : 0;
    const double rate = progress.seconds > 0 ? share * static_cast<double>(progress.tokens) / progress.seconds : 0;
    return fmt::format("prefill {} {:3.0f}%  {}  layer {}/{}  {}  {} left", progress_bar(share), share * 100,
                       count_text(progress.tokens, "token"), progress.layer, progress.layers, rate_text(rate),
                       seconds_text(progress.seconds_left));
}

std::function<void(const PrefillProgress &)> prefill_drawer(ProgressLine & line) {
    return [&line](const PrefillProgress & progress) {
        if (line.due()) {
            line.draw(prefill_line(progress));
        }
    };
}

}  // namespace snapkv::cli
