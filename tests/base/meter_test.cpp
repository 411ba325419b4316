#include "base/meter.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace snapkv {
namespace {

TEST(Meter, KnowsWhatIsAliveAndTheMostThatWas) {
    Meter meter;
    meter.add(10);
    meter.add(20);
    meter.remove(25);
    meter.add(3);
    EXPECT_EQ(meter.alive(), 8U);
    EXPECT_EQ(meter.peak(), 30U);
}

TEST(Meter, IsCountedByOthersToo) {
    const auto all = std::make_shared<Meter>();
    Meter one({all});
    Meter other({all});
    one.add(10);
    other.add(20);
    one.remove(4);
    EXPECT_EQ(all->alive(), 26U);
    EXPECT_EQ(all->peak(), 30U);
    EXPECT_EQ(one.alive(), 6U);
}

TEST(Meter, RestartsItsPeakFromWhatIsAlive) {
    Meter meter;
    meter.add(100);
    meter.remove(60);
    meter.restart_peak();
    EXPECT_EQ(meter.peak(), 40U);
    meter.add(5);
    EXPECT_EQ(meter.peak(), 45U);
}

TEST(Meter, CountsFromManyThreads) {
    Meter meter;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&meter] {
            for (int i = 0; i < 2000; ++i) {
                meter.add(3);
                meter.remove(2);
            }
        });
    }
    for (std::thread & thread : threads) {
        thread.join();
    }
    EXPECT_EQ(meter.alive(), 8000U);
    EXPECT_GE(meter.peak(), 8000U);
    EXPECT_LE(meter.peak(), 8008U);  // each thread is at most 2 above what it leaves
}

}  // namespace
}  // namespace snapkv
