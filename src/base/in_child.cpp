#include "base/in_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <span>
#include <string_view>

#include "base/blocked_signals.h"
#include "base/descriptor.h"
#include "base/raise.h"

namespace snapkv {
namespace {

// Closes the answer, so that one that was cut short is known for it.
constexpr char end_mark = '.';

void lower(__rlimit_resource resource, std::uint64_t limit) {
    rlimit current{};
    if (::getrlimit(resource, &current) == 0) {
        // Both at once: at the hard limit of processor time the child is killed, blocked signals or not.
        current.rlim_max = std::min<rlim_t>(current.rlim_max, limit);
        current.rlim_cur = std::min(current.rlim_cur, current.rlim_max);
        ::setrlimit(resource, &current);
    }
}

std::uint64_t address_space() {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

[[noreturn]] void be_the_child(const ChildBudget & budget, const std::function<std::string()> & work, int answer) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    lower(RLIMIT_CORE, 0);
    lower(RLIMIT_CPU, static_cast<std::uint64_t>(budget.processor.count()));
    bool done = false;
    try {
        lower(RLIMIT_AS, address_space() + budget.memory);
        done = write_all(answer, work() + end_mark);
    } catch (...) {  // there is nobody to tell
    }
    ::_exit(done ? 0 : 1);
}

/// Reads until the child closes its end. Answered only means that.
ChildAnswer read_answer(const ChildBudget & budget, int descriptor) {
    constexpr int tick_ms = 50;
    const auto deadline = std::chrono::steady_clock::now() + budget.clock;
    ChildAnswer answer;
    std::array<char, 4096> buffer{};
    while (true) {
        if (budget.stop != nullptr && budget.stop->load()) {
            answer.end = ChildAnswer::End::Interrupted;
            return answer;
        }
        if (std::chrono::steady_clock::now() > deadline) {
            answer.end = ChildAnswer::End::Time;
            return answer;
        }
        pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, tick_ms) <= 0) {
            continue;
        }
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count <= 0) {
            answer.end = ChildAnswer::End::Answered;
            return answer;
        }
        answer.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (answer.text.size() > budget.answer + 1) {
            answer.end = ChildAnswer::End::TooLong;
            return answer;
        }
    }
}

/// Nothing where the host reaped the child before us, or has told the system that nobody waits.
int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return 0;
        }
    }
    return status;
}

}  // namespace

ChildAnswer in_child(const ChildBudget & budget, const std::function<std::string()> & work) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        raise_machine("no pipe to a child process could be opened: {}", system_error_text());
    }
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    pid_t child = -1;
    {
        const BlockedSignals blocked(BlockedSignals::Faults::Blocked);  // a child never runs a handler of the host
        child = ::fork();
        if (child == 0) {
            be_the_child(budget, work, writing.number());
        }
    }
    if (child < 0) {
        raise_machine("no child process could be started: {}", system_error_text());
    }
    static_cast<void>(writing.close());
    ChildAnswer answer = read_answer(budget, reading.number());
    if (answer.end != ChildAnswer::End::Answered) {
        ::kill(child, SIGKILL);
    }
    const int status = wait_for(child);
    if (answer.end == ChildAnswer::End::Answered) {
        if (answer.text.ends_with(end_mark)) {
            answer.text.pop_back();
        } else {
            const bool killed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU);
            answer.end = killed ? ChildAnswer::End::Time : ChildAnswer::End::Crashed;
        }
    }
    return answer;
}

}  // namespace snapkv
