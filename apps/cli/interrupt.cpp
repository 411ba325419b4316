#include "interrupt.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <initializer_list>

#include "snapkv/whole_file.h"
#include "status.h"

namespace snapkv::cli {
namespace {

std::atomic<bool> stop{false};
std::atomic<int> first_signal{SIGINT};
std::atomic<long long> first_at{0};  // milliseconds
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<long long>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

/// Signals of one cause come in pairs: timeout(1) signals the child and its group, a shell that is hung up passes that
/// on before the kernel does. Nobody means the second one.
constexpr long long one_cause = 100;  // milliseconds

long long now() {
    struct timespec time {};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

extern "C" void on_interrupt(int number) {
    if (!stop.load()) {
        first_signal.store(number);
        first_at.store(now());
        stop.store(true);
    } else if (now() - first_at.load() > one_cause) {
        remove_temporary_files();
        _exit(status_signal + number);
    }
}

}  // namespace

void watch_interrupts() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        sigaction(number, nullptr, &action);
        if (action.sa_handler == SIG_IGN) {
            continue;
        }
        action = {};
        action.sa_handler = on_interrupt;
        sigemptyset(&action.sa_mask);
        action.sa_flags = SA_RESTART;
        sigaction(number, &action, nullptr);
    }
}

const std::atomic<bool> & interrupt_flag() {
    return stop;
}

bool interrupted() {
    return stop.load();
}

int interrupted_status() {
    return status_signal + first_signal.load();
}

}  // namespace snapkv::cli
