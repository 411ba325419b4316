#pragma once

#include <atomic>

namespace snapkv::cli {

/// From here on SIGINT (Ctrl-C), SIGTERM and SIGHUP ask for an end: the flag becomes true, and the work at hand stops
/// with what it has. A second one ends the process at once; temporary files go all the same. A signal that was ignored
/// when the program began, as by nohup, stays ignored.
void watch_interrupts();

/// The flag for SessionOptions::stop.
[[nodiscard]] const std::atomic<bool> & interrupt_flag();
[[nodiscard]] bool interrupted();

/// The exit status of an interrupted run, as shells have it: 128 and the signal's number.
[[nodiscard]] int interrupted_status();

}  // namespace snapkv::cli
