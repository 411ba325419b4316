#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <utility>

#include "snapkv/call_options.h"

namespace snapkv {

/// What ends work before its time: a flag (of a model, a session), a call's stop token and its deadline. May be asked
/// from several threads.
class Stop {
public:
    /// `flag` may be null; it must outlive this and its copies.
    explicit Stop(const std::atomic<bool> * flag = nullptr) : flag_(flag) {}

    /// The same with a call's own reasons beside it.
    [[nodiscard]] Stop with(const CallOptions & call) const {
        Stop both = *this;
        both.token_ = call.stop;
        both.deadline_ = call.deadline;
        return both;
    }
    /// The same without the flag if that is set already.
    [[nodiscard]] Stop from_now_on() const {
        Stop later = *this;
        later.flag_ = flag_ != nullptr && !flag_->load(std::memory_order_relaxed) ? flag_ : nullptr;
        return later;
    }

    [[nodiscard]] bool requested() const noexcept {
        return (flag_ != nullptr && flag_->load(std::memory_order_relaxed)) || token_.stop_requested() ||
               (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_);
    }
    /// Whether it may ever be.
    [[nodiscard]] bool possible() const noexcept {
        return flag_ != nullptr || token_.stop_possible() || deadline_ != Clock::time_point::max();
    }

private:
    using Clock = std::chrono::steady_clock;

    const std::atomic<bool> * flag_;
    std::stop_token token_;
    Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace snapkv
