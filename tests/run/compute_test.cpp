#include "run/compute.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "support/child.h"
#include "support/sanitizers.h"

namespace snapkv::run {
namespace {

TEST(Compute, CallsWorkOnceOnEachThread) {
    Compute compute(1, 3, Stop());
    std::atomic<int> calls{0};
    compute.parallel([&] { ++calls; });
    EXPECT_EQ(calls, 3);
}

TEST(Compute, ThrowsWhatAThreadThrew) {
    Compute compute(1, 2, Stop());
    EXPECT_THROW(compute.parallel([] { throw std::runtime_error("from a thread"); }), std::runtime_error);
    std::atomic<int> calls{0};
    compute.parallel([&] { ++calls; });
    EXPECT_EQ(calls, 2);
}

TEST(Compute, DoesNotBeginOnceStopped) {
    const std::atomic<bool> stop{true};
    Compute compute(1, 1, Stop(&stop));
    int calls = 0;
    EXPECT_THROW(compute.parallel([&] { ++calls; }), Interrupted);
    EXPECT_EQ(calls, 0);
}

// A handler of signals on a thread that computes would write over what oneDNN's kernels keep below the stack pointer.
TEST(Compute, ComputesOnThreadsThatReceiveNoSignals) {
    Compute compute(1, 3, Stop());
    std::mutex mutex;
    std::set<std::thread::id> threads;
    compute.parallel([&] {
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        for (const int signal : {SIGINT, SIGTERM, SIGPROF, SIGALRM, SIGUSR1}) {
            EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
        }
    });
    EXPECT_EQ(threads.size(), 3U);
    EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

// A kernel that saw the flag has left its work undone, whatever the flag is when all are through.
TEST(Compute, AStopFlagThatIsClearedAgainHasStoppedItAllTheSame) {
    std::atomic<bool> stop{false};
    Compute compute(1, 2, Stop(&stop));
    EXPECT_THROW(compute.parallel([&] {
        stop = true;
        EXPECT_TRUE(compute.halt().stopped());
        stop = false;
    }),
                 Interrupted);
    std::atomic<int> calls{0};
    compute.parallel([&] { ++calls; });
    EXPECT_EQ(calls, 2) << "the next run is as ever";
}

TEST(Compute, WithoutThreadsIsAnError) {
    EXPECT_EQ(snapkv::test::in_child([] {
                  snapkv::test::forbid_threads();
                  const Compute compute(1, 1, Stop());
              }),
              snapkv::test::Ending::MachineError);
    if (!snapkv::test::kSanitized) {  // which need addresses of their own
        EXPECT_EQ(snapkv::test::in_child([] {
                      snapkv::test::limit_memory(std::size_t{64} << 20U);
                      const Compute compute(1, 400, Stop());
                  }),
                  snapkv::test::Ending::MachineError);
    }
}

}  // namespace
}  // namespace snapkv::run
