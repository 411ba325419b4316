#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/session.h"

namespace snapkv::cli {

/// How far a piece of work is.
struct Progress {
    std::string label;                 ///< may be empty
    double share = 0;                  ///< of 1, that is done
    std::vector<std::string> details;  ///< what matters most comes first: it is left out last
};

/// Label, bar, percentage and details in one line of at most `columns` columns. Where that is too narrow the bar
/// becomes shorter and goes, then details go from the last, and then the line is cut.
[[nodiscard]] std::string progress_text(const Progress & progress, std::size_t columns);

/// A line on standard error that is drawn over and over, as wide as the terminal is at that moment: only where standard
/// error is a terminal that can erase a line, and at most ten times a second.
class ProgressLine {
public:
    ProgressLine();
    ~ProgressLine();
    ProgressLine(const ProgressLine &) = delete;
    ProgressLine & operator=(const ProgressLine &) = delete;

    [[nodiscard]] bool due() const;
    void draw(const Progress & progress);

private:
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point last_;
};

/// Time left, rate, layers and tokens of a prefill.
[[nodiscard]] Progress prefill_state(const CallProgress & progress);
/// The same of a further turn, which goes through all layers chunk by chunk.
[[nodiscard]] Progress turn_state(const CallProgress & progress);
/// Draws a state on `line`, which must outlive it, whenever it is due.
[[nodiscard]] std::function<void(const CallProgress &)> drawer(
    ProgressLine & line, const std::function<Progress(const CallProgress &)> & state = prefill_state);

}  // namespace snapkv::cli
