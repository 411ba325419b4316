#include "base/reservation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "base/block.h"
#include "base/resident.h"
#include "support/child.h"
#include "support/sanitizers.h"

namespace snapkv {
namespace {

constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30U;

/// Others use the machine's memory too: what is said of it is true but for so much.
constexpr std::uint64_t kNoise = std::uint64_t{256} << 20U;

std::optional<Reservation> take(std::uint64_t bytes, const std::shared_ptr<Meter> & taken) {
    std::uint64_t unreserved = 0;
    return Reservation::take(bytes, taken, unreserved);
}

TEST(Reservation, IsGoneForOthersUntilItIsTaken) {
    const std::uint64_t before = unreserved_memory();
    ASSERT_GT(before, kGigabyte);
    const auto meter = std::make_shared<Meter>();
    meter->add(5);  // no part of it
    {
        auto reserved = take(kGigabyte, meter);
        ASSERT_TRUE(reserved.has_value());
        EXPECT_LT(unreserved_memory(), before - kGigabyte + kNoise);
        meter->add(kGigabyte / 2);
        EXPECT_GT(unreserved_memory(), before - kGigabyte / 2 - kNoise);
        EXPECT_LT(unreserved_memory(), before - kGigabyte / 2 + kNoise);
        reserved->reduce(kGigabyte / 2);
        EXPECT_GT(unreserved_memory(), before - kNoise);
    }
    EXPECT_GT(unreserved_memory(), before - kNoise);
}

TEST(Reservation, GrowsAsFarAsThereIsMemory) {
    const std::uint64_t before = unreserved_memory();
    auto reserved = take(kGigabyte / 2, std::make_shared<Meter>());
    ASSERT_TRUE(reserved.has_value());
    EXPECT_FALSE(reserved->extend(2 * available_memory(), 0));
    EXPECT_GT(unreserved_memory(), before - kGigabyte / 2 - kNoise) << "nothing has changed";
    EXPECT_TRUE(reserved->extend(kGigabyte / 2, 0));
    EXPECT_LT(unreserved_memory(), before - kGigabyte + kNoise);
}

/// Where addresses are limited, what has its addresses by now is not asked for again.
TEST(Reservation, CountsAddressesOnce) {
    if (test::kSanitized) {
        return;
    }
    EXPECT_EQ(test::in_child([] {
                  test::limit_memory(kGigabyte);
                  const auto meter = std::make_shared<Meter>();
                  auto reserved = take(kGigabyte / 4, meter);
                  reserved->count_taken(false);
                  const Block counted(kGigabyte / 4, meter);
                  const Block others(kGigabyte / 2, std::make_shared<Meter>());
                  if (reserved->extend(kGigabyte / 2, 0) || !reserved->extend(kGigabyte / 2, kGigabyte / 2)) {
                      throw std::logic_error("what is mapped counts twice, or not at all");
                  }
              }),
              test::Ending::Success);
}

TEST(Reservation, OfMoreThanThereIsSaysHowMuchThatIs) {
    std::uint64_t unreserved = 0;
    const auto meter = std::make_shared<Meter>();
    const std::uint64_t all = available_memory();
    EXPECT_FALSE(Reservation::take(2 * all, meter, unreserved));
    EXPECT_GT(unreserved, all / 2);
    EXPECT_TRUE(Reservation::take(2 * all, meter, unreserved, 2 * all)) << "what is given back counts";
}

/// Of several that want two thirds each, one gets it.
TEST(Reservation, OfTheLastMemoryIsOnes) {
    const std::uint64_t most = available_memory() / 3 * 2;
    const auto meter = std::make_shared<Meter>();
    std::vector<std::optional<Reservation>> reserved(8);
    std::vector<std::thread> threads;
    for (auto & one : reserved) {
        threads.emplace_back([&] { one = take(most, meter); });
    }
    for (std::thread & thread : threads) {
        thread.join();
    }
    EXPECT_EQ(std::count_if(reserved.begin(), reserved.end(), [](const auto & one) { return one.has_value(); }), 1);
    for (auto & one : reserved) {
        one.reset();
    }
    EXPECT_TRUE(take(most, meter)) << "it was given back";
}

TEST(Reservation, MovesWithItsHolder) {
    const auto meter = std::make_shared<Meter>();
    const std::uint64_t before = unreserved_memory();
    auto one = take(kGigabyte, meter);
    std::optional<Reservation> other;
    other = std::move(one);
    EXPECT_LT(unreserved_memory(), before - kGigabyte + kNoise);
    other.reset();
    EXPECT_GT(unreserved_memory(), before - kNoise);
}

}  // namespace
}  // namespace snapkv
