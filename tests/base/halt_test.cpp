#include "base/halt.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace snapkv {
namespace {

TEST(Halt, RemembersAFlagThatWasSeenSet) {
    std::atomic<bool> flag{false};
    Halt halt{Stop(&flag)};
    EXPECT_FALSE(halt.stopped());
    flag = true;
    flag = false;
    EXPECT_FALSE(halt.stopped()) << "nobody saw it";
    flag = true;
    EXPECT_TRUE(halt.stopped());
    flag = false;
    EXPECT_TRUE(halt.stopped());
    halt.restart();
    EXPECT_FALSE(halt.stopped());
}

TEST(Halt, KeepsTheFirstThatIsThrown) {
    Halt halt;
    EXPECT_EQ(halt.take_thrown(), nullptr);
    for (const char * message : {"first", "second"}) {
        try {
            throw std::runtime_error(message);
        } catch (...) {
            halt.fail();
        }
    }
    EXPECT_TRUE(halt.stopped());
    try {
        std::rethrow_exception(halt.take_thrown());
    } catch (const std::runtime_error & error) {
        EXPECT_STREQ(error.what(), "first");
    }
    EXPECT_EQ(halt.take_thrown(), nullptr);
    halt.restart();
    EXPECT_FALSE(halt.stopped());
}

}  // namespace
}  // namespace snapkv
