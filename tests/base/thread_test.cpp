#include "base/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/deep_stack.h"
#include "support/child.h"
#include "support/error_of.h"
#include "support/sanitizers.h"

namespace snapkv {
namespace {

sigset_t blocked_signals() {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    return blocked;
}

void expect_only_faults_reach(const sigset_t & blocked) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPROF, SIGALRM, SIGUSR1, SIGCHLD, SIGWINCH, SIGPIPE}) {
        EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
    }
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        EXPECT_EQ(sigismember(&blocked, fault), 0) << fault;
    }
}

TEST(Thread, ReceivesNoSignalsAndNorDoThoseThatItStarts) {
    sigset_t own;
    sigset_t started;
    {
        const Thread thread(0, [&] {
            own = blocked_signals();
            std::thread([&] { started = blocked_signals(); }).join();
        });
    }
    expect_only_faults_reach(own);
    expect_only_faults_reach(started);
    const sigset_t callers = blocked_signals();
    EXPECT_EQ(sigismember(&callers, SIGINT), 0) << "the caller's are as they were";
}

TEST(Thread, ThatCannotBeHadIsAnError) {
    EXPECT_EQ(test::error_of(ErrorKind::Machine, [] { const Thread thread(std::size_t{1} << 52U, [] {}); }),
              "no thread with a stack of 4294967296 MiB could be started");
    EXPECT_EQ(test::in_child([] {
                  test::forbid_threads();
                  const Thread thread(0, [] {});
              }),
              test::Ending::MachineError);
}

TEST(DeepStack, CallsOnAThreadAndThrowsWhatIsThrown) {
    std::thread::id where;
    on_deep_stack(std::size_t{1} << 20U, [&] { where = std::this_thread::get_id(); });
    EXPECT_NE(where, std::this_thread::get_id());
    EXPECT_THROW(on_deep_stack(std::size_t{1} << 20U, [] { throw std::runtime_error("deep"); }), std::runtime_error);
}

TEST(RequireThreads, TakesWhatCanBeHadAndRefusesWhatCannot) {
    EXPECT_NO_THROW(require_threads(0));
    EXPECT_NO_THROW(require_threads(5));
    EXPECT_EQ(test::in_child([] {
                  test::forbid_threads();
                  require_threads(1);
              }),
              test::Ending::MachineError);
    if (!test::kSanitized) {  // which need addresses of their own
        // Enough for the stacks of some threads, not for all: those that began must end.
        EXPECT_EQ(test::in_child([] {
                      test::limit_memory(std::size_t{40} << 20U);
                      require_threads(200);
                  }),
                  test::Ending::MachineError);
    }
}

TEST(Service, DoesOneThingAfterTheOtherOnAThreadOfItsOwn) {
    Service service;
    std::vector<int> done;
    std::thread::id where;
    service.call([&] { where = std::this_thread::get_id(); });
    EXPECT_NE(where, std::this_thread::get_id());
    for (int i = 0; i < 1000; ++i) {
        service.call([&] {
            EXPECT_EQ(std::this_thread::get_id(), where);
            done.push_back(i);
        });
        ASSERT_EQ(done.size(), static_cast<std::size_t>(i) + 1) << "the caller waits";
    }
}

TEST(Service, ThrowsWhatTheWorkThrewAndGoesOn) {
    Service service;
    EXPECT_THROW(service.call([] { throw std::runtime_error("from the work"); }), std::runtime_error);
    int calls = 0;
    service.call([&] { ++calls; });
    EXPECT_EQ(calls, 1);
}

TEST(Service, ThatCannotBeHadIsAnError) {
    EXPECT_EQ(test::in_child([] {
                  test::forbid_threads();
                  const Service service;
              }),
              test::Ending::MachineError);
}

}  // namespace
}  // namespace snapkv
