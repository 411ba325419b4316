#include "run/compute.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace snapkv::run {
namespace {

TEST(Compute, CallsWorkOnceOnEachThread) {
    Compute compute(1, 3, nullptr);
    std::atomic<int> calls{0};
    compute.parallel([&] { ++calls; });
    EXPECT_EQ(calls, 3);
}

TEST(Compute, ThrowsWhatAThreadThrew) {
    Compute compute(1, 2, nullptr);
    EXPECT_THROW(compute.parallel([] { throw std::runtime_error("from a thread"); }), std::runtime_error);
    std::atomic<int> calls{0};
    compute.parallel([&] { ++calls; });
    EXPECT_EQ(calls, 2);
}

TEST(Compute, DoesNotBeginOnceStopped) {
    const std::atomic<bool> stop{true};
    Compute compute(1, 1, &stop);
    int calls = 0;
    EXPECT_THROW(compute.parallel([&] { ++calls; }), Interrupted);
    EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace snapkv::run
