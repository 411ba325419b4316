#include "progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "format.h"
#include "screen.h"

namespace snapkv::cli {
namespace {

constexpr auto interval = std::chrono::milliseconds(100);
constexpr std::string_view erase = "\r\x1b[K";

/// "[#####     ]", or nothing, in at most `columns` columns. Few lengths, so that it does not change with every digit
/// beside it.
std::string bar_text(double share, std::size_t columns) {
    constexpr std::array<std::size_t, 3> lengths{30, 20, 10};
    for (const std::size_t length : lengths) {
        if (length + 3 <= columns) {
            const auto filled = static_cast<std::size_t>(share * static_cast<double>(length));
            return fmt::format("[{:<{}}] ", std::string(filled, '#'), length);
        }
    }
    return {};
}

}  // namespace

std::string progress_text(const Progress & progress, std::size_t columns) {
    const double share = std::clamp(progress.share, 0.0, 1.0);
    const std::string label = progress.label.empty() ? "" : progress.label + " ";
    std::string rest = fmt::format("{:3.0f}%", share * 100);
    std::size_t taken = columns_taken(label + rest);
    for (const std::string & detail : progress.details) {
        taken += 2 + columns_taken(detail);
        if (taken > columns) {
            break;
        }
        rest += "  " + detail;
    }
    const std::string bar = bar_text(share, columns - std::min(columns, columns_taken(label + rest)));
    return cut_to_columns(label + bar + rest, columns);
}

ProgressLine::ProgressLine() : terminal_(takes_escapes(STDERR_FILENO)) {}

ProgressLine::~ProgressLine() {
    if (drawn_) {
        std::fwrite(erase.data(), 1, erase.size(), stderr);
    }
}

bool ProgressLine::due() const {
    return terminal_ && (!drawn_ || std::chrono::steady_clock::now() - last_ >= interval);
}

void ProgressLine::draw(const Progress & progress) {
    // Some terminals wrap as soon as the last column is filled.
    const std::string text = std::string(erase) + progress_text(progress, columns_of(STDERR_FILENO) - 1);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
    drawn_ = true;
    last_ = std::chrono::steady_clock::now();
}

Progress prefill_state(const CallProgress & progress) {
    const double share =
        progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 0;
    const double rate = progress.seconds > 0 ? share * static_cast<double>(progress.tokens) / progress.seconds : 0;
    return {"prefill",
            share,
            {seconds_text(progress.seconds_left) + " left", rate_text(rate),
             fmt::format("layer {}/{}", progress.layer, progress.layers), count_text(progress.tokens, "token")}};
}

Progress turn_state(const CallProgress & progress) {
    const double rate = progress.seconds > 0 ? static_cast<double>(progress.done) / progress.seconds : 0;
    return {"turn",
            static_cast<double>(progress.done) / static_cast<double>(std::max<std::uint64_t>(progress.total, 1)),
            {seconds_text(progress.seconds_left) + " left", rate_text(rate), count_text(progress.total, "token")}};
}

std::function<void(const CallProgress &)> drawer(ProgressLine & line,
                                                 const std::function<Progress(const CallProgress &)> & state) {
    return [&line, state](const CallProgress & progress) {
        if (line.due()) {
            line.draw(state(progress));
        }
    };
}

}  // namespace snapkv::cli
