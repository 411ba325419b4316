#include "attention/cpu/shares.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace snapkv::attention::cpu {
namespace {

TEST(Shares, AThreadTakesItsStretchInOrderThenHelpsTheOthers) {
    Shares shares;
    shares.reset(5, 2);
    std::vector<std::uint32_t> taken;
    while (const std::optional<std::uint32_t> item = shares.take(1)) {
        taken.push_back(*item);
    }
    EXPECT_EQ(taken, (std::vector<std::uint32_t>{2, 3, 4, 0, 1}));
    EXPECT_FALSE(shares.take(0));
}

TEST(Shares, AreResetToOtherNumbers) {
    Shares shares;
    shares.reset(3, 3);
    shares.reset(0, 2);
    EXPECT_FALSE(shares.take(0));
    shares.reset(1, 2);
    EXPECT_EQ(shares.take(0), 0U);
    EXPECT_FALSE(shares.take(1));
}

TEST(Shares, EveryItemIsTakenOnce) {
    constexpr std::uint32_t kItems = 10000;
    constexpr std::uint32_t kThreads = 3;
    Shares shares;
    shares.reset(kItems, kThreads);
    std::vector<std::vector<std::uint32_t>> taken(kThreads);
    std::vector<std::thread> threads;
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            while (const std::optional<std::uint32_t> item = shares.take(thread)) {
                taken[thread].push_back(*item);
            }
        });
    }
    for (std::thread & thread : threads) {
        thread.join();
    }
    std::vector<int> times(kItems);
    for (const auto & of_thread : taken) {
        for (const std::uint32_t item : of_thread) {
            ++times[item];
        }
    }
    EXPECT_EQ(times, std::vector<int>(kItems, 1));
}

}  // namespace
}  // namespace snapkv::attention::cpu
