#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

#include "base/stop.h"

namespace snapkv {

/// Ends a computation that threads share before its time: once the caller was seen to want that, or once a thread has
/// thrown. Either is remembered until restart(): a result that some thread cut short stays void even where a flag has
/// been cleared by then. All members but restart() and obey() may be called from any thread.
class Halt {
public:
    explicit Halt(Stop stop = Stop()) : stop_(std::move(stop)) {}

    /// What is polled from now on, between computations.
    void obey(Stop stop) { stop_ = std::move(stop); }
    [[nodiscard]] const Stop & stop() const { return stop_; }

    /// To be polled; true from then on.
    [[nodiscard]] bool stopped() noexcept {
        if (!halted_.load(std::memory_order_relaxed) && stop_.requested()) {
            halted_.store(true, std::memory_order_relaxed);
        }
        return halted_.load(std::memory_order_relaxed);
    }

    /// Within a handler: keeps what was thrown, if it is the first, and stops the rest.
    void fail() noexcept {
        const std::lock_guard lock(mutex_);
        thrown_ = thrown_ ? thrown_ : std::current_exception();
        halted_.store(true, std::memory_order_relaxed);
    }

    /// What was thrown first, or null; forgets it.
    [[nodiscard]] std::exception_ptr take_thrown() {
        const std::lock_guard lock(mutex_);
        return std::exchange(thrown_, nullptr);
    }

    /// Before the next computation.
    void restart() {
        halted_.store(false, std::memory_order_relaxed);
        thrown_ = nullptr;
    }

private:
    Stop stop_;
    std::atomic<bool> halted_{false};
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

}  // namespace snapkv
