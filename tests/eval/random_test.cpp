#include "eval/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "eval/word_list.h"

namespace snapkv::eval {
namespace {

std::vector<std::size_t> draws(Random random, std::size_t below) {
    std::vector<std::size_t> list(8);
    std::generate(list.begin(), list.end(), [&] { return random.below(below); });
    return list;
}

// Worked out by a separate program in Python: FNV-1a over the seed's bytes and the name, the published Mersenne twister
// of 64 bits, remainders.
TEST(Random, DrawsWhatItDrawsEverywhere) {
    EXPECT_EQ(draws(Random(42, "lines"), 1000), (std::vector<std::size_t>{123, 313, 15, 706, 348, 385, 238, 419}));
}

TEST(Random, StreamsOfOneSeedDiffer) {
    EXPECT_NE(draws(Random(1, "a"), 1U << 30U), draws(Random(1, "b"), 1U << 30U));
    EXPECT_NE(draws(Random(1, "a"), 1U << 30U), draws(Random(2, "a"), 1U << 30U));
    EXPECT_EQ(draws(Random(1, "a"), 1U << 30U), draws(Random(1, "a"), 1U << 30U));
}

TEST(Random, DrawsAllNumbersAboutAsOften) {
    Random random(7, "even");
    std::vector<int> seen(6);
    for (int i = 0; i < 6000; ++i) {
        ++seen.at(random.below(6));
    }
    for (const int times : seen) {
        EXPECT_NEAR(times, 1000, 150);  // five standard deviations
    }
    EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, ShuffleKeepsWhatItMoves) {
    Random random(3, "shuffle");
    std::vector<int> list(100);
    std::iota(list.begin(), list.end(), 0);
    const std::vector<int> before = list;
    random.shuffle(list);
    EXPECT_NE(list, before);
    std::sort(list.begin(), list.end());
    EXPECT_EQ(list, before);
}

TEST(DistinctNumbers, AreAllNumbersOnce) {
    Random random(5, "distinct");
    DistinctNumbers numbers(500);
    std::set<std::size_t> seen;
    std::vector<std::size_t> order;
    while (numbers.left() > 0) {
        order.push_back(numbers.draw(random));
        EXPECT_LT(order.back(), 500U);
        seen.insert(order.back());
    }
    EXPECT_EQ(order.size(), 500U);
    EXPECT_EQ(seen.size(), 500U);
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(WordList, HasNoWordWithinAnotherAndNothingButLetters) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < word_count(); ++i) {
        for (std::size_t j = 0; j < word_count(); ++j) {
            EXPECT_TRUE(i == j || word(j).find(word(i)) == std::string_view::npos) << word(i) << " in " << word(j);
        }
        seen.insert(word(i));
        EXPECT_TRUE(std::all_of(word(i).begin(), word(i).end(), [](char c) { return c >= 'a' && c <= 'z'; }))
            << word(i);
    }
    EXPECT_EQ(seen.size(), 600U);
}

TEST(WordList, PairsAreAllDifferent) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < word_pair_count(); ++i) {
        seen.insert(word_pair(i));
    }
    EXPECT_EQ(seen.size(), word_pair_count());
    EXPECT_EQ(word_pair_count(), 90000U);
    EXPECT_EQ(word_pair(0), std::string(word(0)) + "-" + std::string(word(300)));
}

}  // namespace
}  // namespace snapkv::eval
