#include <gtest/gtest.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <string>
#include <thread>

#include "product/gemm.h"
#include "run/tiny_run.h"

namespace snapkv {
namespace {

std::atomic<int> handled{0};
std::atomic<bool> elsewhere{false};
std::thread::id caller;

/// As a profiler's or an interpreter's handler would, it uses a good piece of the stack of the thread it runs on.
void handle(int /*signal*/) {
    constexpr std::size_t kDeep = std::size_t{32} << 10U;
    volatile std::byte stack[kDeep];  // NOLINT(modernize-avoid-c-arrays): std::array's members are not volatile
    for (volatile std::byte & byte : stack) {
        byte = std::byte{0xA5};
    }
    handled.fetch_add(1);
    if (std::this_thread::get_id() != caller) {
        elsewhere = true;
    }
}

/// A thousand signals for each second of the process's time, as long as the object lives.
class Signals {
public:
    Signals() {
        caller = std::this_thread::get_id();
        handled = 0;
        struct sigaction action {};
        action.sa_handler = handle;
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGPROF, &action, &before_);
        set_interval(1000);
    }
    ~Signals() {
        set_interval(0);
        ::sigaction(SIGPROF, &before_, nullptr);
    }
    Signals(const Signals &) = delete;
    Signals & operator=(const Signals &) = delete;

private:
    static void set_interval(::suseconds_t microseconds) {
        const ::itimerval timer{{0, microseconds}, {0, microseconds}};
        ::setitimer(ITIMER_PROF, &timer, nullptr);
    }

    struct sigaction before_ {};
};

double seconds_of(::clockid_t clock) {
    ::timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class UnderSignals : public ::testing::TestWithParam<ProductPath> {};

// oneDNN's float32 kernels for AVX2 work with the stack pointer: a handler on their thread writes over their memory.
TEST_P(UnderSignals, APrefillGivesTheSameBits) {
    if (GetParam() == ProductPath::WidenedF32 && !product::gemm_available(product::Element::F32)) {
        GTEST_SKIP() << "not on this build or processor";
    }
    const test::TinyRun run({.width = 256, .feed_forward = 512});
    SessionOptions options;
    options.threads = 2;
    options.products = GetParam();
    Session session = run.session(options);
    const Branch branch = test::branch_of(test::random_tokens(1000, 1), test::snapkv_cache(128, 16));
    const Sequence expected = test::prefill_one(session, branch);
    const double caller_before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    const double all_before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    const Signals signals;
    for (int repeat = 0; repeat < 1000 && handled < 300; ++repeat) {
        const Sequence found = test::prefill_one(session, branch);
        ASSERT_TRUE(test::same_bits(found.logits(), expected.logits())) << repeat;
        ASSERT_EQ(found.kept_positions(), expected.kept_positions()) << repeat;
    }
    EXPECT_GE(handled, 300);
    EXPECT_FALSE(elsewhere) << "only the caller's thread runs handlers";
    const double callers = seconds_of(CLOCK_THREAD_CPUTIME_ID) - caller_before;
    const double all = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - all_before;
    EXPECT_LT(callers, all / 4) << "of " << all << " s: the caller plans, waits and compares; others compute";
}

INSTANTIATE_TEST_SUITE_P(Products, UnderSignals, ::testing::Values(ProductPath::WidenedF32, ProductPath::Stored),
                         [](const auto & param) {
                             return std::string(param.param == ProductPath::Stored ? "Stored" : "WidenedF32");
                         });

}  // namespace
}  // namespace snapkv
