#pragma once

#include <atomic>

namespace snapkv::cli {

/// From here on Ctrl-C asks for an end: the flag becomes true and the work at hand stops with what it has. A second
/// Ctrl-C ends the process at once with status 130.
void watch_interrupts();

/// The flag for SessionOptions::stop.
[[nodiscard]] const std::atomic<bool> & interrupt_flag();
[[nodiscard]] bool interrupted();

}  // namespace snapkv::cli
