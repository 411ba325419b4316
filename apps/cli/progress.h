#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "snapkv/session.h"

namespace snapkv::cli {

/// A line on standard error that is drawn over and over: only where standard error is a terminal, and at most ten
/// times a second.
class ProgressLine {
public:
    ProgressLine();
    ~ProgressLine();
    ProgressLine(const ProgressLine &) = delete;
    ProgressLine & operator=(const ProgressLine &) = delete;

    [[nodiscard]] bool due() const;
    void draw(const std::string & line);

private:
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point last_;
};

/// "[#####     ]" of the share that is done.
[[nodiscard]] std::string progress_bar(double share);
/// Tokens, layers, rate and time left.
[[nodiscard]] std::string prefill_line(const PrefillProgress & progress);
/// Draws that on `line`, which must outlive it, whenever it is due.
[[nodiscard]] std::function<void(const PrefillProgress &)> prefill_drawer(ProgressLine & line);

}  // namespace snapkv::cli
