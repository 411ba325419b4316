#pragma once

#include <atomic>
#include <optional>

#include "snapkv/error.h"

namespace snapkv::cli {

/// From here on SIGINT (Ctrl-C), SIGTERM and SIGHUP ask for an end: the flag becomes true, and the work at hand stops
/// with what it has. A second one ends the process at once; temporary files go all the same. A signal that was ignored
/// when the program began, as by nohup, stays ignored.
void watch_interrupts();

/// The flag for SessionOptions::stop.
[[nodiscard]] const std::atomic<bool> & interrupt_flag();
[[nodiscard]] bool interrupted();

/// What `work` returns; nothing where it was interrupted, as tokenizing a long text may be.
template <typename Work>
[[nodiscard]] auto unless_interrupted(const Work & work) -> std::optional<decltype(work())> {
    try {
        return work();
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Interrupted) {
            throw;
        }
        return std::nullopt;
    }
}

/// The exit status of an interrupted run, as shells have it: 128 and the signal's number.
[[nodiscard]] int interrupted_status();

}  // namespace snapkv::cli
