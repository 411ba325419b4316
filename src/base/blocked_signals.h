#pragma once

#include <csignal>

namespace snapkv {

/// Blocks the calling thread's signals as long as it lives. Threads and processes that are started meanwhile inherit
/// that: there is no moment at which they could receive one.
class BlockedSignals {
public:
    /// The signals of faults of the thread's own, for which a program may have handlers that report a crash.
    enum class Faults { Open, Blocked };

    explicit BlockedSignals(Faults faults) {
        sigset_t blocked;
        sigfillset(&blocked);
        if (faults == Faults::Open) {
            for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
                sigdelset(&blocked, fault);
            }
        }
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals &) = delete;
    BlockedSignals & operator=(const BlockedSignals &) = delete;

private:
    sigset_t before_{};
};

}  // namespace snapkv
