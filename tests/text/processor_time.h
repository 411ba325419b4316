#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <ctime>
#include <functional>

namespace snapkv::test {

/// Processor time of this thread.
inline double seconds_of(const std::function<void()> & work) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double begin = now();
    work();
    return now() - begin;
}

/// Expects that `work` on 16 times as many bytes takes less than 64 times as long. What is quadratic takes 256 times.
inline void expect_no_square(const std::function<void(std::size_t bytes)> & work) {
    constexpr std::size_t bytes = 100'000;
    const double little = seconds_of([&] { work(bytes); });
    const double much = seconds_of([&] { work(16 * bytes); });
    EXPECT_LT(much, 64 * little);
}

}  // namespace snapkv::test
