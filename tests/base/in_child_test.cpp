#include "base/in_child.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/sanitizers.h"

namespace snapkv {
namespace {

using End = ChildAnswer::End;

ChildBudget budget() {
    return {.memory = std::uint64_t{64} << 20U,
            .processor = std::chrono::seconds(1),
            .clock = std::chrono::seconds(20),
            .answer = 100'000,
            .stop = Stop()};
}

std::string run_for_ever() {
    const volatile bool forever = true;
    while (forever) {
    }
    return {};
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
    EXPECT_EQ(in_child(budget(), run_for_ever).end, End::Processor);
    ChildBudget short_clock = budget();
    short_clock.clock = std::chrono::seconds(1);
    EXPECT_EQ(in_child(short_clock,
                       [] {
                           ::sleep(60);
                           return std::string();
                       })
                  .end,
              End::Clock);
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
              End::Killed)
        << "which is what the system does where memory runs out";
}

// However it looks, what was cut short is no answer.
TEST(InChild, TakesNoPartForTheWhole) {
    constexpr int answer = 3;
    for (const std::string & part :
         {std::string(), std::string("x."), std::string(7, '\0'), std::string("12345678x.")}) {
        EXPECT_EQ(
            in_child(budget(), [&]() -> std::string { ::_exit(::write(answer, part.data(), part.size()) < 0 ? 1 : 0); })
                .end,
            End::Crashed)
            << part;
    }
}

TEST(InChild, KnowsWhatEndedItWhereNobodyIsToldOfChildren) {
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    EXPECT_EQ(in_child(budget(), [] { return std::string("answer"); }).text, "answer");
    EXPECT_EQ(in_child(budget(), run_for_ever).end, End::Processor);
    EXPECT_EQ(in_child(budget(), []() -> std::string { ::_exit(0); }).end, End::Crashed);
    std::signal(SIGCHLD, before);
}

TEST(InChild, TakesAnyAmountOfMemory) {
    ChildBudget unlimited = budget();
    unlimited.memory = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(in_child(unlimited, [] { return std::to_string(std::vector<char>(std::size_t{32} << 20U).size()); }).text,
              "33554432");
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

TEST(InChild, LeavesNothingBehind) {
    std::atomic<bool> stop{true};
    ChildBudget stopped = budget();
    stopped.stop = Stop(&stop);
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        in_child(budget(), [] { return std::string("answer"); });
        in_child(budget(), []() -> std::string { throw 1; });
        in_child(budget(), [] { return std::string(200'000, '.'); });
        in_child(stopped, [] { return std::string(); });
    }
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(InChild, IsEndedWhereItsAnswerFindsNoRoom) {
    if (test::kSanitized) {
        GTEST_SKIP() << "a sanitizer ends a process whose memory is short";
    }
    const auto work = [] {
        std::vector<char> room(std::size_t{64} << 20U);
        test::limit_memory(std::size_t{8} << 20U);
        ChildBudget large = budget();
        large.answer = std::size_t{64} << 20U;
        bool refused = false;
        try {
            in_child(large, [&] {
                std::vector<char>().swap(room);
                return std::string(std::size_t{40} << 20U, '.');
            });
        } catch (const std::bad_alloc &) {
            refused = true;
        }
        if (!refused || ::waitpid(-1, nullptr, WNOHANG) != -1) {
            throw std::runtime_error("there was room, or the child is still there");
        }
    };
    EXPECT_EQ(test::in_child(work), test::Ending::Success);
}

// A child that inherits the writing end of another's pipe keeps it open for as long as it lives.
TEST(InChild, IsNotHeldUpByAnother) {
    std::atomic<bool> stop{false};
    ChildBudget slow_budget = budget();
    slow_budget.stop = Stop(&stop);
    std::atomic<bool> done{false};
    std::vector<std::thread> others;
    for (int i = 0; i < 4; ++i) {
        others.emplace_back([&] {
            while (!done) {
                in_child(slow_budget, [] {
                    ::sleep(60);
                    return std::string();
                });
            }
        });
    }
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(in_child(budget(), [] { return std::string("answer"); }).text, "answer");
        stop = i % 8 == 0;  // so that others begin meanwhile
    }
    done = true;
    stop = true;
    for (std::thread & other : others) {
        other.join();
    }
}

TEST(InChild, StopsWithTheFlag) {
    const std::atomic<bool> stop{true};
    ChildBudget stopped = budget();
    stopped.stop = Stop(&stop);
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
