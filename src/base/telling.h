#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "snapkv/call_options.h"

namespace snapkv {

/// Tells a caller how far its call is, from its beginning on.
class Telling {
public:
    explicit Telling(const CallOptions & call = {}) : progress_(call.progress) {}

    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(progress_); }

    void operator()(std::uint64_t done, std::uint64_t total) const {
        if (!progress_) {
            return;
        }
        CallProgress progress{.done = done, .total = total};
        progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
        if (done > 0) {
            progress.seconds_left = progress.seconds * static_cast<double>(total - done) / static_cast<double>(done);
        }
        progress_(progress);
    }

private:
    std::function<void(const CallProgress &)> progress_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace snapkv
