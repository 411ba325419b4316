#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <utility>

namespace snapkv {

/// Ends a computation that threads share before its time: once the caller's stop flag was seen set, or once a thread
/// has thrown. Either is remembered until restart(): a result that some thread cut short stays void even where the
/// flag has been cleared by then. All members but restart() may be called from any thread.
class Halt {
public:
    /// `flag` may be null; it must outlive this.
    explicit Halt(const std::atomic<bool> * flag = nullptr) : flag_(flag) {}

    /// To be polled; true from then on.
    [[nodiscard]] bool stopped() noexcept {
        if (!halted_.load(std::memory_order_relaxed) && flag_ != nullptr && flag_->load(std::memory_order_relaxed)) {
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
    const std::atomic<bool> * flag_;
    std::atomic<bool> halted_{false};
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

}  // namespace snapkv
