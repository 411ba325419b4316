#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>

#include "snapkv/error.h"

namespace snapkv::test {

/// How a piece of work ended in a process of its own.
enum class Ending { Success, MachineError, OtherException, Signal };

/// Does the work in a child, where it may take away what it pleases. The caller must have no other threads.
template <typename Work>
Ending in_child(const Work & work) {
    const ::pid_t child = ::fork();
    if (child == 0) {
        try {
            work();
        } catch (const Error & error) {
            ::_exit(
                static_cast<int>(error.kind() == ErrorKind::Machine ? Ending::MachineError : Ending::OtherException));
        } catch (...) {
            ::_exit(static_cast<int>(Ending::OtherException));
        }
        ::_exit(static_cast<int>(Ending::Success));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? static_cast<Ending>(WEXITSTATUS(status)) : Ending::Signal;
}

/// From now on this process can take so many bytes of addresses more than it has.
inline void limit_memory(std::size_t bytes) {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const ::rlim_t most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + bytes;
    const ::rlimit limit{most, most};
    ::setrlimit(RLIMIT_AS, &limit);
}

/// From now on this process can start no thread: the stacks would be larger than the addresses there are.
inline void forbid_threads() {
    constexpr std::size_t kImpossible = std::size_t{1} << 52U;
    ::pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kImpossible);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
}

}  // namespace snapkv::test
