#include "base/in_child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <new>
#include <string>
#include <vector>

#include "support/sanitizers.h"

namespace snapkv {
namespace {

using End = ChildAnswer::End;

ChildBudget budget() {
    return {.memory = std::uint64_t{64} << 20U,
            .processor = std::chrono::seconds(1),
            .clock = std::chrono::seconds(20),
            .answer = 100'000,
            .stop = nullptr};
}

TEST(InChild, BringsTheAnswerBack) {
    for (const std::string & text : {std::string(), std::string("short"), std::string(100'000, '.')}) {
        const ChildAnswer answer = in_child(budget(), [&] { return text; });
        EXPECT_EQ(answer.end, End::Answered);
        EXPECT_TRUE(answer.text == text);
    }
}

TEST(InChild, KeepsWhatTheChildDoesToItself) {
    int here = 1;
    EXPECT_EQ(in_child(budget(), [&] { return std::to_string(++here); }).text, "2");
    EXPECT_EQ(here, 1);
}

TEST(InChild, EndsWithTheBudget) {
    const volatile bool forever = true;
    EXPECT_EQ(in_child(budget(),
                       [&] {
                           while (forever) {
                           }
                           return std::string();
                       })
                  .end,
              End::Time);
    ChildBudget short_clock = budget();
    short_clock.clock = std::chrono::seconds(1);
    EXPECT_EQ(in_child(short_clock,
                       [] {
                           ::sleep(60);
                           return std::string();
                       })
                  .end,
              End::Time);
    EXPECT_EQ(in_child(budget(), [] { return std::string(100'001, '.'); }).end, End::TooLong);
}

TEST(InChild, HasItsOwnLimitOfMemory) {
    if (test::kSanitized) {
        GTEST_SKIP() << "a sanitizer ends a process whose memory is short";
    }
    const ChildAnswer answer = in_child(budget(), [] {
        try {
            return std::to_string(std::vector<char>(std::size_t{1} << 30U).size());
        } catch (const std::bad_alloc &) {
            return std::string("no memory");
        }
    });
    EXPECT_EQ(answer.text, "no memory");
}

TEST(InChild, SurvivesItsCrash) {
    EXPECT_EQ(in_child(budget(), []() -> std::string { ::_exit(0); }).end, End::Crashed);
    EXPECT_EQ(in_child(budget(), []() -> std::string { throw 1; }).end, End::Crashed);
    EXPECT_EQ(in_child(budget(),
                       [] {
                           ::kill(::getpid(), SIGKILL);
                           return std::string();
                       })
                  .end,
              End::Time)
        << "which is how the system ends one that ran too long";
}

TEST(InChild, StopsWithTheFlag) {
    const std::atomic<bool> stop{true};
    ChildBudget stopped = budget();
    stopped.stop = &stop;
    EXPECT_EQ(in_child(stopped,
                       [] {
                           ::sleep(60);
                           return std::string();
                       })
                  .end,
              End::Interrupted);
}

}  // namespace
}  // namespace snapkv
