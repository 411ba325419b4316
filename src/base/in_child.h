#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/stop.h"

namespace snapkv {

/// What a child process may use up.
struct ChildBudget {
    std::uint64_t memory = 0;  ///< bytes of address space beside those that it inherits
    std::chrono::seconds processor{1};
    std::chrono::seconds clock{1};
    std::size_t answer = 0;  ///< bytes
    Stop stop = Stop();      ///< polled
};

struct ChildAnswer {
    enum class End {
        Answered,
        Processor,    ///< its processor time is used up
        Clock,        ///< its time by the clock is
        Killed,       ///< by somebody else: the system, say, where memory ran out
        Crashed,      ///< or ended without an answer for another reason
        TooLong,      ///< the answer
        Interrupted,  ///< it was to stop
    };
    End end = End::Crashed;
    std::string text;
};

/// Calls `work` in a copy of this process, on the calling thread's stack, and brings back what it returns. For
/// third-party code that runs programs from outside: it can neither be interrupted nor told how much memory to take.
/// `work` may allocate, but start no threads and take no other locks than malloc's: another thread may have held one
/// when the process was copied, and nobody is left to release it. The child has standard input, output and error and no
/// other files, and gets no signals; the host sees one SIGCHLD, and only this child is waited for. Throws
/// Error(Machine) where no process can be had.
ChildAnswer in_child(const ChildBudget & budget, const std::function<std::string()> & work);

}  // namespace snapkv
