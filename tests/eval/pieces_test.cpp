#include "eval/pieces.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "snapkv/error.h"

namespace snapkv::eval {
namespace {

using Range = std::pair<std::size_t, std::size_t>;

/// What is done of [0, count) where `most` fit at once, and at which range it stops.
struct Machine {
    std::size_t most = 0;
    Range stop{};
    std::vector<Range> done{};

    bool run(std::size_t count) {
        return in_pieces(
            0, count,
            [this](std::size_t first, std::size_t last) {
                if (last - first > most) {
                    throw Error(ErrorKind::Machine, "no room");
                }
                return last;
            },
            [this](std::size_t first, std::size_t last) {
                done.emplace_back(first, last);
                return Range(first, last) != stop;
            });
    }
};

TEST(Pieces, AllAtOnceWhereItFits) {
    Machine machine{.most = 7};
    EXPECT_TRUE(machine.run(7));
    EXPECT_EQ(machine.done, (std::vector<Range>{{0, 7}}));
}

TEST(Pieces, HalfByHalfWhereItDoesNot) {
    Machine machine{.most = 2};
    EXPECT_TRUE(machine.run(7));
    EXPECT_EQ(machine.done, (std::vector<Range>{{0, 1}, {1, 3}, {3, 5}, {5, 7}}));
}

TEST(Pieces, StopWhereTheWorkStops) {
    Machine machine{.most = 2, .stop = {1, 3}};
    EXPECT_FALSE(machine.run(7));
    EXPECT_EQ(machine.done.size(), 2U);
}

TEST(Pieces, WhatDoesNotFitAloneIsAnError) {
    Machine machine{.most = 0};
    EXPECT_THROW(machine.run(4), Error);
    EXPECT_TRUE(machine.done.empty());
}

TEST(Pieces, OtherErrorsAreNotTriedAgain) {
    int calls = 0;
    const auto broken = [&](std::size_t, std::size_t) -> int {
        ++calls;
        throw Error(ErrorKind::Input, "a broken file");
    };
    EXPECT_THROW(in_pieces(0, 4, broken, [](std::size_t, int) { return true; }), Error);
    EXPECT_EQ(calls, 1);
}

// A full disk is no reason to prefill again.
TEST(Pieces, ErrorsOfWhatWasMadeAreNotTriedAgain) {
    int made = 0;
    const auto full = [](std::size_t, int) -> bool { throw Error(ErrorKind::Machine, "the disk is full"); };
    EXPECT_THROW(in_pieces(
                     0, 4, [&](std::size_t, std::size_t) { return ++made; }, full),
                 Error);
    EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace snapkv::eval
