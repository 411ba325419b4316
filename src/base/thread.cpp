#include "base/thread.h"

#include <csignal>
#include <deque>
#include <latch>
#include <utility>

#include "base/raise.h"

namespace snapkv {

namespace {

/// Blocks the calling thread's signals as long as it lives, for new threads to inherit that: there is no moment at
/// which they could receive one.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
            sigdelset(&blocked, fault);
        }
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked & operator=(const SignalsBlocked &) = delete;

private:
    sigset_t before_{};
};

void * run(void * work) {
    (*static_cast<std::function<void()> *>(work))();
    return nullptr;
}

}  // namespace

Thread::Thread(std::size_t stack_bytes, std::function<void()> work) : work_(std::move(work)) {
    pthread_attr_t attributes;
    bool started = pthread_attr_init(&attributes) == 0;
    if (started) {
        const SignalsBlocked blocked;
        started = (stack_bytes == 0 || pthread_attr_setstacksize(&attributes, stack_bytes) == 0) &&
                  pthread_create(&thread_, &attributes, run, &work_) == 0;
        pthread_attr_destroy(&attributes);
    }
    if (!started) {
        if (stack_bytes > 0) {
            raise_machine("no thread with a stack of {} MiB could be started", stack_bytes >> 20U);
        }
        raise_machine("no further thread could be started: memory or the limit of processes (ulimit -v, -u) is short");
    }
}

Thread::~Thread() {
    pthread_join(thread_, nullptr);
}

void require_threads(std::uint32_t count) {
    std::latch enough(1);
    std::deque<Thread> threads;
    try {
        for (std::uint32_t i = 0; i < count; ++i) {
            threads.emplace_back(0, [&] { enough.wait(); });
        }
    } catch (...) {
        enough.count_down();
        throw;
    }
    enough.count_down();
}

Service::Service() : thread_(0, [this] { serve(); }) {}

Service::~Service() {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    changed_.notify_all();
}

void Service::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return work_ != nullptr || ends_; });
        if (work_ == nullptr) {
            return;
        }
        const std::function<void()> & work = *work_;
        lock.unlock();
        try {
            work();
        } catch (...) {
            thrown_ = std::current_exception();
        }
        lock.lock();
        work_ = nullptr;
        changed_.notify_all();
    }
}

void Service::call(const std::function<void()> & work) {
    std::unique_lock lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [&] { return work_ == nullptr; });
    if (const std::exception_ptr thrown = std::exchange(thrown_, nullptr)) {
        std::rethrow_exception(thrown);
    }
}

}  // namespace snapkv
