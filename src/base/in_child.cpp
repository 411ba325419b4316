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
#include <ctime>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/blocked_signals.h"
#include "base/descriptor.h"
#include "base/raise.h"

namespace snapkv {
namespace {

// Where the child's end of the pipe is, so that it can close all that lies beyond.
constexpr int answer_descriptor = 3;

// An answer is sent behind its length: one that was cut short is known for it.
using Length = std::uint64_t;

void lower(__rlimit_resource resource, std::uint64_t limit) {
    rlimit current{};
    if (::getrlimit(resource, &current) == 0) {
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

std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) {
    return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

[[noreturn]] void be_the_child(std::chrono::seconds processor, std::uint64_t addresses,
                               const std::function<std::string()> & work, int answer) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A descriptor of another child's pipe, kept open here, would hide that child's end.
    ::dup2(answer, answer_descriptor);
    ::closefrom(answer_descriptor + 1);
    lower(RLIMIT_CORE, 0);
    // In case the parent does not look in time: both limits at once, so that the child is killed, blocked signals or
    // not.
    lower(RLIMIT_CPU, static_cast<std::uint64_t>(processor.count()) + 1);
    lower(RLIMIT_AS, addresses);
    bool done = false;
    try {
        const std::string text = work();
        const Length length = text.size();
        done = write_all(answer_descriptor, {reinterpret_cast<const char *>(&length), sizeof length}) &&
               write_all(answer_descriptor, text);
    } catch (...) {  // there is nobody to tell
    }
    ::_exit(done ? 0 : 1);
}

/// A child process that is killed and waited for on every way out.
class Child {
public:
    explicit Child(pid_t id) : id_(id) {}
    Child(const Child &) = delete;
    Child & operator=(const Child &) = delete;
    ~Child() {
        if (id_ > 0) {
            ::kill(id_, SIGKILL);
            static_cast<void>(wait());
        }
    }

    /// Its exit status. 0 where the host reaped it before us, or has told the system that nobody waits.
    int wait() {
        int status = 0;
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
        id_ = -1;
        return status;
    }

    /// 0 once it has ended.
    [[nodiscard]] std::chrono::nanoseconds processor_time() const {
        clockid_t clock{};
        timespec time{};
        if (::clock_getcpuclockid(id_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
            return {};
        }
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }

private:
    pid_t id_;
};

/// Takes the length off what was sent. False where it was cut short. In place: an answer may be as large as a text's
/// tokens.
bool unwrap(std::string & sent) {
    Length length = 0;
    if (sent.size() < sizeof length) {
        return false;
    }
    std::memcpy(&length, sent.data(), sizeof length);
    sent.erase(0, sizeof length);
    return sent.size() == length;
}

/// Reads what the child sends until it closes its end, or why that was not waited for.
std::optional<ChildAnswer::End> receive(const ChildBudget & budget, int descriptor, const Child & child,
                                        std::string & sent) {
    constexpr int tick_ms = 50;
    const auto deadline = std::chrono::steady_clock::now() + budget.clock;
    std::array<char, 1U << 16U> buffer{};
    while (true) {
        if (budget.stop.requested()) {
            return ChildAnswer::End::Interrupted;
        }
        if (child.processor_time() > budget.processor) {
            return ChildAnswer::End::Processor;
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return ChildAnswer::End::Clock;
        }
        pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, tick_ms) <= 0) {
            continue;
        }
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count <= 0) {
            return std::nullopt;
        }
        sent.append(buffer.data(), static_cast<std::size_t>(count));
        if (sent.size() > sizeof(Length) + budget.answer) {
            return ChildAnswer::End::TooLong;
        }
    }
}

}  // namespace

ChildAnswer in_child(const ChildBudget & budget, const std::function<std::string()> & work) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        raise_machine("no pipe to a child process could be opened: {}", system_error_text());
    }
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    const std::uint64_t addresses = saturated_sum(address_space(), budget.memory);
    pid_t id = -1;
    {
        const BlockedSignals blocked(BlockedSignals::Faults::Blocked);  // a child never runs a handler of the host
        id = ::fork();
        if (id == 0) {
            be_the_child(budget.processor, addresses, work, writing.number());
        }
    }
    if (id < 0) {
        raise_machine("no child process could be started: {}", system_error_text());
    }
    Child child(id);
    static_cast<void>(writing.close());
    std::string sent;
    if (const auto end = receive(budget, reading.number(), child, sent)) {
        return {.end = *end, .text = {}};
    }
    const int status = child.wait();
    if (unwrap(sent)) {
        return {.end = ChildAnswer::End::Answered, .text = std::move(sent)};
    }
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return {.end = killed ? ChildAnswer::End::Killed : ChildAnswer::End::Crashed, .text = {}};
}

}  // namespace snapkv
