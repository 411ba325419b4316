#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>

namespace snapkv {

/// A thread of the library's own. Signals meant for the process never run their handlers on it, nor on threads that it
/// starts: only those that a fault of its own raises (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS) do.
/// Kernels need that: oneDNN's for float32 use the stack pointer as a work register.
class Thread {
public:
    /// Runs `work`, which must not throw, on a stack of `stack_bytes` (0: the system's usual size). Throws
    /// Error(Machine) where no thread can be had.
    Thread(std::size_t stack_bytes, std::function<void()> work);
    Thread(const Thread &) = delete;
    Thread & operator=(const Thread &) = delete;
    /// Waits for the work's end.
    ~Thread();

private:
    std::function<void()> work_;
    pthread_t thread_{};
};

/// Throws Error(Machine) unless `count` threads more can be had at once. For libraries that abort where they cannot.
void require_threads(std::uint32_t count);

/// One piece of work after the other on a thread of its own. The caller waits, and is where what the work throws is
/// thrown. One call at a time. A call costs two switches of threads: some microseconds, a tenth of a millisecond on a
/// virtual machine that must wake an idle processor for it.
class Service {
public:
    /// Throws Error(Machine) where no thread can be had.
    Service();
    Service(const Service &) = delete;
    Service & operator=(const Service &) = delete;
    ~Service();

    void call(const std::function<void()> & work);

private:
    void serve();

    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void()> * work_ = nullptr;  ///< null: done
    std::exception_ptr thrown_;
    bool ends_ = false;
    Thread thread_;  ///< last: it uses the others
};

}  // namespace snapkv
