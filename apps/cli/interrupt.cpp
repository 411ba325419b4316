#include "interrupt.h"

#include <unistd.h>

#include <csignal>

#include "status.h"

namespace snapkv::cli {
namespace {

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void on_interrupt(int) {
    if (stop.exchange(true)) {
        _exit(status_interrupted);
    }
}

}  // namespace

void watch_interrupts() {
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
}

const std::atomic<bool> & interrupt_flag() {
    return stop;
}

bool interrupted() {
    return stop.load();
}

}  // namespace snapkv::cli
