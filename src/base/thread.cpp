#include "base/thread.h"

#include <deque>
#include <latch>
#include <utility>

#include "base/blocked_signals.h"
#include "base/raise.h"

namespace snapkv {

namespace {

void * run(void * work) {
    (*static_cast<std::function<void()> *>(work))();
    return nullptr;
}

}  // namespace

Thread::Thread(std::size_t stack_bytes, std::function<void()> work) : work_(std::move(work)) {
    pthread_attr_t attributes;
    bool started = pthread_attr_init(&attributes) == 0;
    if (started) {
        const BlockedSignals blocked(BlockedSignals::Faults::Open);
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
